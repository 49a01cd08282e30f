package cosmos

// Request units, as documented or, where doc.go says so, estimated.
const (
	chargeThrottled     = 0.38
	chargeMetadata      = 1.0
	metadataPerSecond   = 240.0
	chargePerPartition  = 2.5 // of a query's page; documented as 2 to 3
	chargeReadPerKB     = 1.0
	chargeInsertPerKB   = 5.5
	chargeReplacePerKB  = 2 * chargeInsertPerKB
	chargePointRead1KB  = 1.0
	chargePointRead100K = 10.0
	countedPerUnit      = 100.0 // documents that a count passes for 1 RU
)

const kb = 1024.0

// pointRead is what reading one document by its _id costs; a document that is not there costs as one of 1 KB.
func pointRead(bytes int) float64 {
	size := max(float64(bytes)/kb, 1)
	return chargePointRead1KB + (size-1)*(chargePointRead100K-chargePointRead1KB)/(100-1)
}

// queryPage is what a page of a query costs that asks partitions.
func queryPage(bytes, partitions int) float64 {
	return float64(bytes)/kb*chargeReadPerKB + float64(partitions)*chargePerPartition
}

// insertion is what inserting one document costs, and deleting one of that size.
func insertion(bytes int) float64 { return max(float64(bytes)/kb, 1) * chargeInsertPerKB }

// replacement is what replacing or updating one document costs.
func replacement(bytes int) float64 { return max(float64(bytes)/kb, 1) * chargeReplacePerKB }
