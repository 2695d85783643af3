-- The largest flows of the last hour. Both ends report a flow: the larger count is used.
SELECT
    proto,
    least(src, dst) AS a,
    greatest(src, dst) AS b,
    max(bytes) AS bytes
FROM
(
    -- UInt128, because the sum of two counters can exceed UInt64.
    SELECT node, proto, src, dst, sum(toUInt128(tx_bytes) + rx_bytes) AS bytes
    FROM netlog.flows FINAL
    WHERE class IN ('virtual', 'subnet') AND `end` >= now() - INTERVAL 1 HOUR
    GROUP BY node, proto, src, dst
)
GROUP BY proto, a, b
ORDER BY bytes DESC, a, b
LIMIT 20;
