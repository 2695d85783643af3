// Package doubleentry checks the flow logs of several nodes against each other: what one
// node reports as sent, the other must report as received. docs/verify.md describes what it finds.
//
// [Check] reads all records twice. A window can only be compared if the node at the other side was
// counting too, so the times of all nodes must be known before counts are added up. The steps are:
//
//  1. The first reading (survey.go) finds the nodes (node.go), the times when they counted (times.go),
//     the IDs that they claim, and their flows. It finds repeated records, which count once.
//  2. The nodes are placed at the sides of the flows (flows.go). A node is at the side that it
//     reports as the source. If it reports both sides, it is a hub and only observes, unless it
//     stands in for a side without a node.
//  3. The second reading (accounts.go) adds up what each node reports of each flow. What it reports
//     of windows in which the other side may not have counted is also added up apart: the edges.
//  4. The numbers of the records are checked (sequences.go), and the claims of the nodes (claims.go).
//  5. The two sides of each flow are compared (compare.go), and then the sums of all flows between two
//     addresses, because each flow may lose a little. The rule (judge.go): what was received must have
//     been sent, and what was sent must have been received except for some loss. What is at an edge
//     may be missing at the other side.
//  6. A node is checked for how much of its traffic is at edges (share.go), where it escapes step 5.
//
// All steps add to one [Report] (findings.go). Options.MaxFlows bounds the memory, and constants
// bound the lists of the Report.
package doubleentry
