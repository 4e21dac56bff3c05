/** `pnpm infra up|down|status|logs`: MySQL and Kafka for development and tests. */
import { parseArgs } from "node:util"
import { ports, type ServerName, serverNames } from "./addresses.ts"
import { findServers } from "./findServers.ts"
import { InfraProblem } from "./InfraProblem.ts"
import { status, up } from "./Servers.ts"

const usage = `usage: pnpm infra up | down [--remove] | status | logs [mysql|kafka] [--lines 100]

up      starts MySQL and Kafka and waits until they answer: in Docker where an engine answers, natively otherwise
down    stops them; --remove forgets what they keep, too
status  says whether they answer; the exit status is 1 when one does not
logs    shows the end of what they have written
`

const say = (line: string) => process.stdout.write(`${line}\n`)

const isServer = (name: string | undefined): name is ServerName => serverNames.some((known) => known === name)

/** Mistakes of the operator are a line, not a stack trace. */
const isPlain = (error: unknown): error is Error =>
  error instanceof InfraProblem || /^(ERR_PARSE_ARGS|EACCES|EPERM|ENOSPC)/.test(String(Object(error).code))

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: { remove: { type: "boolean", default: false }, lines: { type: "string", default: "100" } },
    allowPositionals: true
  })
  const [command, name] = positionals
  const servers = findServers(say)
  switch (command) {
    case "up":
      await up(servers)
      say(`MySQL answers on port ${ports.mysql}, Kafka on port ${ports.kafka} (${servers.kind})`)
      return 0
    case "down":
      if (values.remove) await servers.remove()
      else for (const server of serverNames) await servers.stop(server)
      say(values.remove ? "MySQL and Kafka are stopped, and what they kept is removed" : "MySQL and Kafka are stopped")
      return 0
    case "status": {
      const found = await status()
      for (const { name, problem } of found) {
        say(
          `${name} ${problem === undefined ? "answers" : "does not answer"} on port ${ports[name]}${problem === undefined ? "" : `: ${problem}`}`
        )
      }
      return found.every(({ problem }) => problem === undefined) ? 0 : 1
    }
    case "logs":
      for (const server of isServer(name) ? [name] : serverNames) {
        say(servers.log(server, Number(values.lines)).replaceAll(/^/gm, `${server} | `))
      }
      return 0
    default:
      process.stderr.write(usage)
      return 2
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!isPlain(error)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
