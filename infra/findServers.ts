/** The way in which this machine has the servers. */
import { dockerServers, hasDocker } from "./DockerServers.ts"
import { nativeServers } from "./NativeServers.ts"
import type { Servers } from "./Servers.ts"

/** Containers where a Docker engine answers, processes otherwise. `say` is told what takes long. */
export const findServers = (say: (line: string) => void): Servers => (hasDocker() ? dockerServers : nativeServers(say))
