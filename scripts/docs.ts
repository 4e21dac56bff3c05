/** `pnpm docs:tables`: writes the tables of docs/protocol.md from the protocol's values. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { withTables } from "./docs/ProtocolTables.ts"

const path = join(import.meta.dirname, "../docs/protocol.md")
writeFileSync(path, withTables(readFileSync(path, "utf8")))
