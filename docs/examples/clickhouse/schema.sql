-- Tables for netlog records in ClickHouse.
--
-- records accepts uploads as they are, an array or lines of JSON. flows has one row
-- per connection and window, and is filled by the materialized view. Fields that a
-- newer netlog adds are skipped, not refused.

CREATE DATABASE IF NOT EXISTS netlog;

CREATE TABLE IF NOT EXISTS netlog.records
(
    nodeId   String, -- a claim of the node: whoever may insert can write any
    start    DateTime64(9, 'UTC'),
    `end`    DateTime64(9, 'UTC'),
    logtail  Tuple(id String, client_time String, server_time String, proc_id UInt32, proc_seq UInt64),
    virtualTraffic  Array(Tuple(proto UInt8, src String, dst String, txPkts UInt64, txBytes UInt64, rxPkts UInt64, rxBytes UInt64)),
    subnetTraffic   Array(Tuple(proto UInt8, src String, dst String, txPkts UInt64, txBytes UInt64, rxPkts UInt64, rxBytes UInt64)),
    exitTraffic     Array(Tuple(proto UInt8, src String, dst String, txPkts UInt64, txBytes UInt64, rxPkts UInt64, rxBytes UInt64)),
    physicalTraffic Array(Tuple(proto UInt8, src String, dst String, txPkts UInt64, txBytes UInt64, rxPkts UInt64, rxBytes UInt64)),
    text           String, -- of entries that are text, such as reports of dropped entries
    droppedEntries UInt64,
    droppedBytes   UInt64
)
-- Null stores nothing, because the view below reads what is needed. To store the
-- records too, use MergeTree with ORDER BY (nodeId, start).
ENGINE = Null;

CREATE TABLE IF NOT EXISTS netlog.flows
(
    node     LowCardinality(String),
    start    DateTime64(9, 'UTC'),
    `end`    DateTime64(9, 'UTC'),
    proc_id  UInt32,
    proc_seq UInt64,
    class    LowCardinality(String),
    proto    UInt8,
    src      String,
    dst      String,
    tx_pkts  UInt64,
    tx_bytes UInt64,
    rx_pkts  UInt64,
    rx_bytes UInt64
)
-- Delivery is at least once: the rows of a duplicate entry have equal keys and are
-- merged. Read with FINAL if that must be exact.
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(start)
ORDER BY (node, start, proc_id, proc_seq, class, proto, src, dst)
TTL toDateTime(start) + INTERVAL 90 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS netlog.flows_view TO netlog.flows AS
SELECT
    if(logtail.id != '', logtail.id, nodeId) AS node,
    start,
    `end`,
    logtail.proc_id AS proc_id,
    logtail.proc_seq AS proc_seq,
    f.1 AS class,
    f.2.proto AS proto,
    f.2.src AS src,
    f.2.dst AS dst,
    f.2.txPkts AS tx_pkts,
    f.2.txBytes AS tx_bytes,
    f.2.rxPkts AS rx_pkts,
    f.2.rxBytes AS rx_bytes
FROM netlog.records
ARRAY JOIN arrayConcat(
    arrayMap(x -> ('virtual', x), virtualTraffic),
    arrayMap(x -> ('subnet', x), subnetTraffic),
    arrayMap(x -> ('exit', x), exitTraffic),
    arrayMap(x -> ('physical', x), physicalTraffic)) AS f;
