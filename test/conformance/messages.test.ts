/** The conformance suites of messages and conversations on SQLite, and of the embedded transfer. */
import * as TransferEmbedded from "../../src/layers/transfer/TransferEmbedded.ts"
import { embeddedDatabase } from "./embeddedDatabase.ts"
import { messageSuites } from "./storeSuites.ts"
import { transferSuite } from "./transferSuite.ts"

messageSuites("SQLite", embeddedDatabase)
transferSuite("embedded", TransferEmbedded.layer)
