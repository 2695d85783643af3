package records

// SetMaxRecord makes the bound of a record small enough for a test.
func (d *Reader) SetMaxRecord(n int) { d.scan.max = n }
