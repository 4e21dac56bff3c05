/** The conformance suite of operations at the same time on SQLite. */
import { embeddedDatabase } from "./embeddedDatabase.ts"
import { orderSuites } from "./storeSuites.ts"

orderSuites("SQLite", embeddedDatabase)
