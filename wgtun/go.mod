module github.com/go-netlog/netlog/wgtun

go 1.26.0

require github.com/go-netlog/netlog v0.0.0

replace github.com/go-netlog/netlog => ../
