/** The servers as processes of this machine: MariaDB and Apache Kafka. */
import { rmSync } from "node:fs"
import { infraDir, type ServerName, serverNames } from "./addresses.ts"
import type { Daemon } from "./Daemon.ts"
import * as Kafka from "./kafka.ts"
import * as Mariadb from "./mariadb.ts"
import type { Servers } from "./Servers.ts"

const makers = { mysql: Mariadb, kafka: Kafka } as const

/** Whether one of them runs, whatever else this machine has by now. */
export const isNativeRunning = (): boolean => serverNames.some((name) => makers[name].daemonOf().pid !== undefined)

/** `say` is told what takes long. */
export const nativeServers = (say: (line: string) => void): Servers => {
  const running = (name: ServerName): Daemon => makers[name].daemonOf()
  return {
    kind: "native",
    start: async (name) => {
      if (running(name).pid === undefined) await makers[name].prepared(say).start()
    },
    stop: (name) => running(name).stop(),
    isRunning: (name) => running(name).pid !== undefined,
    kill: (name) => running(name).kill(),
    log: (name, lines) => running(name).log(lines),
    remove: async () => {
      for (const name of serverNames) await running(name).stop()
      rmSync(infraDir, { recursive: true, force: true })
    }
  }
}
