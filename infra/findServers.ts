/** The way in which this machine has the servers. */
import { dockerServers, hasDocker } from "./DockerServers.ts"
import { InfraProblem } from "./InfraProblem.ts"
import { isNativeRunning, nativeServers } from "./NativeServers.ts"
import type { Servers } from "./Servers.ts"

/** Containers where a Docker engine answers, processes otherwise. `say` is told what takes long. */
export const findServers = (say: (line: string) => void): Servers => {
  if (!isNativeRunning() && hasDocker()) return dockerServers
  if (process.platform === "linux") return nativeServers(say)
  throw new InfraProblem(`without a Docker engine the servers run on Linux only, and this is ${process.platform}`)
}
