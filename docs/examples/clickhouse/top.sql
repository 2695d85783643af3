-- The largest flows. Both ends report a flow: the larger count is used.
SELECT
    proto,
    least(src, dst) AS a,
    greatest(src, dst) AS b,
    max(bytes) AS bytes
FROM
(
    SELECT node, proto, src, dst, sum(tx_bytes + rx_bytes) AS bytes
    FROM netlog.flows FINAL
    WHERE class IN ('virtual', 'subnet')
    GROUP BY node, proto, src, dst
)
GROUP BY proto, a, b
ORDER BY bytes DESC, a, b
LIMIT 20;
