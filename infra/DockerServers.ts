/** The servers as containers of docker-compose.yml. */
import { join } from "node:path"
import { root } from "./addresses.ts"
import { programNamed, run } from "./programs.ts"
import type { Servers } from "./Servers.ts"

const composeFile = join(root, "docker-compose.yml")

/** Whether a Docker engine answers, and has compose. */
export const hasDocker = (): boolean => {
  if (programNamed("docker") === undefined) return false
  try {
    run("no engine", "docker", ["info"])
    run("no compose", "docker", ["compose", "version"])
    return true
  } catch {
    return false
  }
}

const compose = (...args: ReadonlyArray<string>): string =>
  run("docker compose", "docker", ["compose", "-f", composeFile, ...args])

export const dockerServers: Servers = {
  kind: "in Docker",
  start: async (name) => void compose("up", "--detach", name),
  stop: async (name) => void compose("stop", name),
  isRunning: (name) => compose("ps", "--quiet", name).trim() !== "",
  kill: async (name) => void compose("kill", "--signal", "SIGKILL", name),
  log: (name, lines) => compose("logs", "--no-color", "--tail", String(lines), name).trimEnd(),
  remove: async () => void compose("down", "--volumes")
}
