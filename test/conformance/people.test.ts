/** The conformance suites of users, contacts, groups and presence on SQLite. */
import { embeddedDatabase } from "./embeddedDatabase.ts"
import { peopleSuites } from "./storeSuites.ts"

peopleSuites("SQLite", embeddedDatabase)
