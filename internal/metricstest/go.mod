module github.com/go-netlog/netlog/internal/metricstest

go 1.26.0

require (
	github.com/frankban/quicktest v1.14.6
	github.com/go-netlog/netlog v0.0.0
	github.com/prometheus/client_golang v1.25.0
	github.com/prometheus/client_model v0.6.3
	github.com/prometheus/common v0.72.0
)

require (
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/kr/pretty v0.3.1 // indirect
	github.com/kr/text v0.2.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/rogpeppe/go-internal v1.9.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/go-netlog/netlog => ../..
