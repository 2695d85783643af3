package flowtable

// Nodes returns the number of nodes that r remembers.
func (r *Recent) Nodes() int { return len(r.nodes) }
