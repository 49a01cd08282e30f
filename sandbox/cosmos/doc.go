// Package cosmos is a double of an Azure Cosmos DB for MongoDB account: a proxy in front of any server that
// behaves to its clients as the account would. It meters request units and throttles in each of the forms seen
// in the field, refuses what Cosmos DB refuses, cuts replies into pages, loses cursors and connections, and
// tells over HTTP what it charged, throttled and refused. The documents themselves go through unaltered.
//
// What is known of the charges is imitated as documented: a point read of 1 KB is 1 RU and of 100 KB 10 RU, a
// page of a query 1 RU a KB and 2 to 3 RU a physical partition, an insert of 1 KB 5.5 RU and a replacement
// twice that, a throttled attempt 0.38 RU, metadata 240 RU/s of their own. What is not documented is an
// estimate: a throttled attempt is charged without using up throughput, a count and a $group are charged 1 RU
// for 100 documents, a $sample as a read of the whole collection, a metadata command 1 RU, and a document that
// turns out to be a duplicate as if it were inserted.
//
// Throughput is one budget for everything behind the double, split evenly over the physical partitions, to
// which documents belong by a hash of their _id. A partition admits requests while it is not in debt, so that
// the budget holds over any few seconds, and a large page is paid for afterwards.
//
// A user and a key can be asked for, by SCRAM-SHA-256, as the connection string from the portal holds them.
//
// GetChangeStreamTokens gives a token for each physical partition, with which a change stream tells of every
// document of that partition in the order of the last writes that the double has seen, and before those, in the
// order of _id. Every event of a page has the token of the page's end, as documented. Deletes are not told, a
// throttled stream answers with an empty page, and a stream goes on when its partition is split: its token then holds
// both halves. With lose_split_streams it is refused instead, in words that have been seen in the field.
//
// Not imitated: TLS, latency, and shard keys, but for what hurts a copy most: with twin_every, reads return some
// documents a second time, with the same _id and another shard key. Counts do not tell of them.
package cosmos
