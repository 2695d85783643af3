-- netlog records as SQL, directly from the files of netlog serve, including compressed
-- ones (.zst). Change the path below, then:  duckdb -init flows.sql

CREATE OR REPLACE VIEW records AS
SELECT * FROM read_json('flows/*/*.ndjson*',
    format = 'newline_delimited',
    columns = {
        logtail: 'STRUCT(id VARCHAR, client_time TIMESTAMPTZ, server_time TIMESTAMPTZ, proc_id UINTEGER, proc_seq UBIGINT)',
        nodeId: 'VARCHAR',
        "start": 'TIMESTAMPTZ',
        "end": 'TIMESTAMPTZ',
        virtualTraffic: 'STRUCT(proto UTINYINT, src VARCHAR, dst VARCHAR, txPkts UBIGINT, txBytes UBIGINT, rxPkts UBIGINT, rxBytes UBIGINT)[]',
        subnetTraffic: 'STRUCT(proto UTINYINT, src VARCHAR, dst VARCHAR, txPkts UBIGINT, txBytes UBIGINT, rxPkts UBIGINT, rxBytes UBIGINT)[]',
        exitTraffic: 'STRUCT(proto UTINYINT, src VARCHAR, dst VARCHAR, txPkts UBIGINT, txBytes UBIGINT, rxPkts UBIGINT, rxBytes UBIGINT)[]',
        physicalTraffic: 'STRUCT(proto UTINYINT, src VARCHAR, dst VARCHAR, txPkts UBIGINT, txBytes UBIGINT, rxPkts UBIGINT, rxBytes UBIGINT)[]'
    });

-- One row per connection and window. Records omit fields that are zero, so they are
-- NULL before coalesce.
CREATE OR REPLACE VIEW flows AS
SELECT
    coalesce(logtail.id, nodeId) AS node, "start", "end", class,
    coalesce(f.proto, 0) AS proto, f.src AS src, f.dst AS dst,
    coalesce(f.txPkts, 0) AS tx_pkts, coalesce(f.txBytes, 0) AS tx_bytes,
    coalesce(f.rxPkts, 0) AS rx_pkts, coalesce(f.rxBytes, 0) AS rx_bytes
FROM (
    SELECT *, 'virtual' AS class, unnest(virtualTraffic) AS f FROM records
    UNION ALL SELECT *, 'subnet', unnest(subnetTraffic) FROM records
    UNION ALL SELECT *, 'exit', unnest(exitTraffic) FROM records
    UNION ALL SELECT *, 'physical', unnest(physicalTraffic) FROM records
);

-- Who talked to whom, and how much. Both ends report a flow: the larger count is
-- used.
CREATE OR REPLACE VIEW talkers AS
SELECT proto, least(src, dst) AS a, greatest(src, dst) AS b, max(bytes) AS bytes
FROM (
    SELECT node, proto, src, dst, sum(tx_bytes + rx_bytes) AS bytes
    FROM flows WHERE class IN ('virtual', 'subnet')
    GROUP BY ALL
)
GROUP BY ALL ORDER BY bytes DESC, a, b;

-- Bytes per node and hour.
CREATE OR REPLACE VIEW hourly AS
SELECT node, date_trunc('hour', "start") AS hour, class, sum(tx_bytes) AS tx_bytes, sum(rx_bytes) AS rx_bytes
FROM flows GROUP BY ALL ORDER BY hour, node, class;
