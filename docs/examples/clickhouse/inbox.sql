-- For nodes that POST to /c/<collection>/<private id>, as they do to netlog serve:
-- handlers.xml inserts the body here with the public ID, which it computes from the
-- path, so that the node is not only a claim of the record.

CREATE TABLE IF NOT EXISTS netlog.inbox (node String, body String) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS netlog.inbox_view TO netlog.flows AS
SELECT
    node,
    parseDateTime64BestEffortOrZero(JSONExtractString(entry, 'start'), 9, 'UTC') AS start,
    parseDateTime64BestEffortOrZero(JSONExtractString(entry, 'end'), 9, 'UTC') AS `end`,
    JSONExtract(entry, 'logtail', 'proc_id', 'UInt32') AS proc_id,
    JSONExtract(entry, 'logtail', 'proc_seq', 'UInt64') AS proc_seq,
    list AS class,
    JSONExtract(flow, 'proto', 'UInt8') AS proto,
    JSONExtractString(flow, 'src') AS src,
    JSONExtractString(flow, 'dst') AS dst,
    JSONExtract(flow, 'txPkts', 'UInt64') AS tx_pkts,
    JSONExtract(flow, 'txBytes', 'UInt64') AS tx_bytes,
    JSONExtract(flow, 'rxPkts', 'UInt64') AS rx_pkts,
    JSONExtract(flow, 'rxBytes', 'UInt64') AS rx_bytes
FROM
(
    SELECT node, entry, list, arrayJoin(JSONExtractArrayRaw(entry, concat(list, 'Traffic'))) AS flow
    FROM
    (
        SELECT node, arrayJoin(JSONExtractArrayRaw(body)) AS entry, arrayJoin(['virtual', 'subnet', 'exit', 'physical']) AS list
        FROM netlog.inbox
    )
);
