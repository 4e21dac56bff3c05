/** Where the servers of the development machine listen: what `dev.env` says, read once. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseEnv } from "node:util"

export const root = join(import.meta.dirname, "..")
/** Everything that the native servers keep. */
export const infraDir = join(root, ".infra")

/** Settings with which Fiberchat runs on the servers. */
export const infraEnv: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(parseEnv(readFileSync(join(import.meta.dirname, "dev.env"), "utf8"))).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]]
  )
)

export const databaseUrl = new URL(infraEnv["CHAT_DATABASE_URL"] ?? "")
export const kafkaBroker = infraEnv["CHAT_KAFKA_BROKERS"] ?? ""

export const serverNames = ["mysql", "kafka"] as const
export type ServerName = (typeof serverNames)[number]

export const ports: Readonly<Record<ServerName, number>> = {
  mysql: Number(databaseUrl.port),
  kafka: Number(kafkaBroker.split(":")[1])
}

/** The same server's address of another database. */
export const databaseUrlOf = (database: string): string => {
  const url = new URL(databaseUrl)
  url.pathname = `/${database}`
  return url.href
}
