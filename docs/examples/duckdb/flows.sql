-- netlog records as SQL, directly from the files of netlog serve, including compressed
-- ones (.zst). Change the path below, then:  duckdb -init flows.sql

-- The lines of the files. Lines that are no valid JSON are skipped. The pattern matches
-- .ndjson and .ndjson.zst, but not .ndjson.zst.tmp, which is incomplete.
CREATE OR REPLACE VIEW files AS
SELECT json, filename
FROM read_json_objects('flows/*/*.ndjso*[nt]', format = 'newline_delimited', ignore_errors = true, filename = true);

-- The lines that are read. load.sql replaces this.
CREATE VIEW IF NOT EXISTS lines AS SELECT json FROM files;

-- One row per entry. Nodes can write any JSON: a member of another type is NULL.
CREATE OR REPLACE VIEW records AS
SELECT coalesce(logtail.id, nodeId) AS node, * FROM (
    SELECT unnest(json_transform(json, '{
        "logtail": {"id": "VARCHAR", "client_time": "TIMESTAMP_NS", "server_time": "TIMESTAMP_NS", "proc_id": "UINTEGER", "proc_seq": "UBIGINT", "conflict": "BOOLEAN"},
        "nodeId": "VARCHAR", "start": "TIMESTAMP_NS", "end": "TIMESTAMP_NS",
        "srcNode": {"nodeId": "VARCHAR", "name": "VARCHAR", "addresses": ["VARCHAR"], "os": "VARCHAR", "user": "VARCHAR", "tags": ["VARCHAR"]},
        "dstNodes": [{"nodeId": "VARCHAR", "name": "VARCHAR", "addresses": ["VARCHAR"], "os": "VARCHAR", "user": "VARCHAR", "tags": ["VARCHAR"]}],
        "virtualTraffic": "JSON", "subnetTraffic": "JSON", "exitTraffic": "JSON", "physicalTraffic": "JSON", "deniedTraffic": "JSON",
        "event": "VARCHAR", "peer": {"publicKey": "VARCHAR", "name": "VARCHAR", "address": "VARCHAR", "endpoint": "VARCHAR", "state": "VARCHAR", "lastHandshake": "TIMESTAMP_NS"},
        "text": "VARCHAR", "droppedEntries": "UBIGINT", "droppedBytes": "UBIGINT"}'))
    FROM lines WHERE json IS NOT NULL);

-- One row per connection and window. Times are UTC. Records omit fields that are zero, so
-- they are NULL before coalesce. place is the position in the list of the class. DISTINCT
-- drops the entries that were delivered twice: they have the same proc_id and proc_seq.
CREATE OR REPLACE VIEW flows AS
SELECT DISTINCT
    node, "start", "end", logtail.proc_id AS proc_id, logtail.proc_seq AS proc_seq, traffic.class AS class, place,
    coalesce(f.proto, 0) AS proto, f.src AS src, f.dst AS dst,
    coalesce(f.txPkts, 0) AS tx_pkts, coalesce(f.txBytes, 0) AS tx_bytes,
    coalesce(f.rxPkts, 0) AS rx_pkts, coalesce(f.rxBytes, 0) AS rx_bytes,
    coalesce(f.txFlags, 0) AS tx_flags, coalesce(f.rxFlags, 0) AS rx_flags
FROM (
    SELECT *, unnest(list) AS f, generate_subscripts(list, 1) AS place
    FROM (
        SELECT *, json_transform(traffic.list, '[{
            "proto": "UTINYINT", "src": "VARCHAR", "dst": "VARCHAR", "txPkts": "UBIGINT", "txBytes": "UBIGINT",
            "rxPkts": "UBIGINT", "rxBytes": "UBIGINT", "txFlags": "UTINYINT", "rxFlags": "UTINYINT"}]') AS list
        FROM (
            SELECT *, unnest([
                {class: 'virtual', list: virtualTraffic}, {class: 'subnet', list: subnetTraffic}, {class: 'exit', list: exitTraffic},
                {class: 'physical', list: physicalTraffic}, {class: 'denied', list: deniedTraffic}]) AS traffic
            FROM records)))
WHERE f IS NOT NULL;

-- Who talked to whom, and how much, in windows that ended within an age, such as
-- largest(INTERVAL 1 HOUR). Both ends report a flow: the larger count is used.
CREATE OR REPLACE MACRO largest(age) AS TABLE
SELECT proto, least(src, dst) AS a, greatest(src, dst) AS b, max(bytes) AS bytes
FROM (
    SELECT node, proto, src, dst, sum(tx_bytes::HUGEINT + rx_bytes) AS bytes
    FROM flows WHERE class IN ('virtual', 'subnet') AND "end" >= now() AT TIME ZONE 'UTC' - age
    GROUP BY ALL
)
GROUP BY ALL ORDER BY bytes DESC, a, b;

-- The same for all times.
CREATE OR REPLACE VIEW talkers AS FROM largest(INTERVAL 200 YEAR);

-- Connections that came to nothing: the other side answered SYN (2) with RST (4), or the
-- filter of the node dropped them. An answer in the next window is not found here.
CREATE OR REPLACE VIEW refused AS
SELECT node, "start", if(class = 'denied', 'filter', 'peer') AS refused_by, class, proto,
    if(backwards, dst, src) AS src, if(backwards, src, dst) AS dst
FROM (
    SELECT *, if(proto = 6 AND tx_flags | rx_flags != 0, rx_flags & 19 = 2, tx_pkts = 0) AS backwards,
        proto = 6 AND (tx_flags & 19 = 2 AND rx_flags & 23 = 4 OR rx_flags & 19 = 2 AND tx_flags & 23 = 4) AS reset
    FROM flows)
WHERE reset OR class = 'denied';

-- Who was connected, as netlog fmt -peers says it: WireGuard peers, as the nodes that have them
-- report it. "since" is NULL if the peer connected before the first event, and "until" is NULL
-- while it is connected. A move begins another session. A node that was restarted reports
-- again who is connected: that does not.
CREATE OR REPLACE VIEW sessions AS
WITH events AS (
    SELECT node, logtail.proc_id AS proc_id, logtail.proc_seq AS proc_seq, peer.name AS name, peer.publicKey AS public_key,
        peer.address AS address, peer.endpoint AS endpoint, peer.state AS state, peer.lastHandshake AS handshake,
        logtail.client_time AS client_time, min(coalesce(logtail.server_time, logtail.client_time)) AS arrived
    FROM records WHERE event = 'peer' AND peer.state IN ('connected', 'moved', 'disconnected')
    GROUP BY ALL
), changes AS (
    SELECT *, coalesce(client_time, arrived) AS "time", lag(state, 1, 'disconnected') OVER history AS state_before
    FROM events
    WINDOW history AS (PARTITION BY node, public_key ORDER BY arrived, proc_seq)
    QUALIFY 'disconnected' IN (state, state_before) OR endpoint IS DISTINCT FROM lag(endpoint) OVER history
)
SELECT node, name, public_key, address, endpoint,
    CASE WHEN state = 'disconnected' THEN NULL WHEN state_before = 'disconnected' THEN coalesce(handshake, "time") ELSE "time" END AS since,
    if(state = 'disconnected', "time", lead("time") OVER (PARTITION BY node, public_key ORDER BY arrived, proc_seq)) AS until
FROM changes
QUALIFY state != 'disconnected' OR state_before = 'disconnected';

-- Entries that a node had to drop before it could deliver them.
CREATE OR REPLACE VIEW dropped AS
SELECT DISTINCT node, logtail.client_time AS "time", logtail.proc_id AS proc_id, logtail.proc_seq AS proc_seq,
    droppedEntries AS entries, droppedBytes AS bytes
FROM records WHERE droppedEntries > 0;

-- The names of addresses, as each node reports them.
CREATE OR REPLACE VIEW names AS
SELECT DISTINCT node, unnest(n.addresses) AS address, n.name AS name, n.nodeId AS node_id
FROM (SELECT node, unnest(list_append(coalesce(dstNodes, []), srcNode)) AS n FROM records);

-- Bytes per node and hour.
CREATE OR REPLACE VIEW hourly AS
SELECT node, date_trunc('hour', "start") AS hour, class, sum(tx_bytes) AS tx_bytes, sum(rx_bytes) AS rx_bytes
FROM flows GROUP BY ALL ORDER BY hour, node, class;
