-- Tables for netlog records in ClickHouse.
--
-- records accepts entries as they are, an array or lines of JSON, with FORMAT
-- JSONAsString. Nodes can write any JSON: an entry that ClickHouse cannot parse is
-- skipped, and a member of another type is zero or empty, so that no entry of a node
-- makes ClickHouse refuse those of others in the same insert.

CREATE DATABASE IF NOT EXISTS netlog;

CREATE TABLE IF NOT EXISTS netlog.records (entry String) ENGINE = Null;

-- Entries with the node that sent them, from records and from inbox.sql. The views
-- below read them. Null stores nothing.
CREATE TABLE IF NOT EXISTS netlog.received (node String, entry String) ENGINE = Null;

-- Without a receiver in between, the node is only a claim: whoever may insert can write
-- any nodeId.
CREATE MATERIALIZED VIEW IF NOT EXISTS netlog.records_view TO netlog.received AS
SELECT
    if(JSONExtractString(entry, 'logtail', 'id') != '', JSONExtractString(entry, 'logtail', 'id'), JSONExtractString(entry, 'nodeId')) AS node,
    entry
FROM netlog.records;

-- One row per entry: everything but its flows.
CREATE TABLE IF NOT EXISTS netlog.entries
(
    node            LowCardinality(String),
    received        DateTime64(9, 'UTC'), -- here
    client_time     DateTime64(9, 'UTC'),
    start           DateTime64(9, 'UTC'),
    `end`           DateTime64(9, 'UTC'),
    proc_id         UInt32,
    proc_seq        UInt64,
    conflict        Bool,
    src_node        Tuple(nodeId String, name String, addresses Array(String), os String, user String, tags Array(String)),
    dst_nodes       Array(Tuple(nodeId String, name String, addresses Array(String), os String, user String, tags Array(String))),
    lost_packets    UInt64, -- that the node could not count
    event           String, -- "peer" if peer says what happened to a WireGuard peer
    peer            Tuple(publicKey String, name String, address String, endpoint String, state String, lastHandshake String),
    text            String,
    dropped_entries UInt64, -- that the node had to drop before this one
    dropped_bytes   UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received)
ORDER BY (node, start, proc_id, proc_seq, conflict, client_time)
TTL toDateTime(received) + INTERVAL 90 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS netlog.entries_view TO netlog.entries AS
SELECT
    node,
    now64(9) AS received,
    parseDateTime64BestEffortOrZero(JSONExtractString(entry, 'logtail', 'client_time'), 9, 'UTC') AS client_time,
    parseDateTime64BestEffortOrZero(JSONExtractString(entry, 'start'), 9, 'UTC') AS start,
    parseDateTime64BestEffortOrZero(JSONExtractString(entry, 'end'), 9, 'UTC') AS `end`,
    JSONExtract(entry, 'logtail', 'proc_id', 'UInt32') AS proc_id,
    JSONExtract(entry, 'logtail', 'proc_seq', 'UInt64') AS proc_seq,
    JSONExtractBool(entry, 'logtail', 'conflict') AS conflict,
    JSONExtract(entry, 'srcNode', 'Tuple(nodeId String, name String, addresses Array(String), os String, user String, tags Array(String))') AS src_node,
    JSONExtract(entry, 'dstNodes', 'Array(Tuple(nodeId String, name String, addresses Array(String), os String, user String, tags Array(String)))') AS dst_nodes,
    JSONExtract(entry, 'lostPackets', 'UInt64') AS lost_packets,
    JSONExtractString(entry, 'event') AS event,
    JSONExtract(entry, 'peer', 'Tuple(publicKey String, name String, address String, endpoint String, state String, lastHandshake String)') AS peer,
    JSONExtractString(entry, 'text') AS text,
    JSONExtract(entry, 'droppedEntries', 'UInt64') AS dropped_entries,
    JSONExtract(entry, 'droppedBytes', 'UInt64') AS dropped_bytes
FROM netlog.received
WHERE isValidJSON(entry);

-- One row per connection and window.
CREATE TABLE IF NOT EXISTS netlog.flows
(
    node     LowCardinality(String),
    received DateTime64(9, 'UTC'), -- here
    start    DateTime64(9, 'UTC'),
    `end`    DateTime64(9, 'UTC'),
    proc_id  UInt32,
    proc_seq UInt64,
    conflict Bool,
    class    LowCardinality(String),
    place    UInt32, -- in the list of the class
    proto    UInt8,
    src      String,
    dst      String,
    tx_pkts  UInt64,
    tx_bytes UInt64,
    rx_pkts  UInt64,
    rx_bytes UInt64,
    tx_flags UInt8, -- of TCP: FIN 1, SYN 2, RST 4, and ACK 16 of packets with SYN
    rx_flags UInt8
)
-- Delivery is at least once: the rows of a duplicate entry have equal keys and are
-- merged. Read with FINAL if that must be exact. The time of arrival divides and ends
-- the data, because a node can write any start: an insert with more than 100 months
-- would be refused.
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received)
ORDER BY (node, start, proc_id, proc_seq, conflict, class, place)
TTL toDateTime(received) + INTERVAL 90 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS netlog.flows_view TO netlog.flows AS
SELECT
    node,
    now64(9) AS received,
    parseDateTime64BestEffortOrZero(JSONExtractString(entry, 'start'), 9, 'UTC') AS start,
    parseDateTime64BestEffortOrZero(JSONExtractString(entry, 'end'), 9, 'UTC') AS `end`,
    JSONExtract(entry, 'logtail', 'proc_id', 'UInt32') AS proc_id,
    JSONExtract(entry, 'logtail', 'proc_seq', 'UInt64') AS proc_seq,
    JSONExtractBool(entry, 'logtail', 'conflict') AS conflict,
    list AS class,
    place,
    JSONExtract(flow, 'proto', 'UInt8') AS proto,
    JSONExtractString(flow, 'src') AS src,
    JSONExtractString(flow, 'dst') AS dst,
    JSONExtract(flow, 'txPkts', 'UInt64') AS tx_pkts,
    JSONExtract(flow, 'txBytes', 'UInt64') AS tx_bytes,
    JSONExtract(flow, 'rxPkts', 'UInt64') AS rx_pkts,
    JSONExtract(flow, 'rxBytes', 'UInt64') AS rx_bytes,
    JSONExtract(flow, 'txFlags', 'UInt8') AS tx_flags,
    JSONExtract(flow, 'rxFlags', 'UInt8') AS rx_flags
FROM
(
    SELECT node, entry, list, JSONExtractArrayRaw(entry, concat(list, 'Traffic')) AS flows
    FROM
    (
        SELECT node, entry, arrayJoin(['virtual', 'subnet', 'exit', 'physical', 'denied']) AS list
        FROM netlog.received
        WHERE isValidJSON(entry)
    )
)
ARRAY JOIN flows AS flow, arrayEnumerate(flows) AS place
WHERE JSONType(flow) = 'Object';

-- The names of addresses, as each node reports them.
CREATE VIEW IF NOT EXISTS netlog.names AS
SELECT DISTINCT node, arrayJoin(n.addresses) AS address, n.name AS name, n.nodeId AS node_id
FROM (SELECT node, arrayJoin(arrayPushBack(dst_nodes, src_node)) AS n FROM netlog.entries);
