/** MariaDB from the system's packages, as a server of the project's own: its port, its data, loopback only. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { ports, root } from "./addresses.ts"
import { Daemon, directoryOf } from "./Daemon.ts"
import { InfraProblem } from "./InfraProblem.ts"
import { programNamed, run } from "./programs.ts"

const name = "mariadb"
const directory = directoryOf(name)
const dataDir = join(directory, "data")
/** Run at each start, as docker-compose.yml has it run at the first. */
const initFile = join(root, "infra", "mysql", "init.sql")

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? ["--user=root"] : []

/** Larger than the working set of a benchmark; each commit is on the disk, as in production. */
const settings = [
  "--innodb-buffer-pool-size=512M",
  "--innodb-log-file-size=256M",
  "--innodb-flush-log-at-trx-commit=1",
  "--character-set-server=utf8mb4",
  "--max-connections=300"
]

/** Installs the package where that takes no password: as root, on a system with apt-get. */
const install = (say: (line: string) => void): void => {
  if (!isRoot || programNamed("apt-get") === undefined) {
    throw new InfraProblem("MariaDB is missing: install the package mariadb-server (apt-get install mariadb-server)")
  }
  say("MariaDB is missing: apt-get install mariadb-server")
  const what = "MariaDB is missing, and apt-get cannot install it"
  run(what, "apt-get", ["update"])
  run(what, "apt-get", ["install", "-y", "--no-install-recommends", "mariadb-server"])
}

/** Makes the system's tables, aside first, so that an interrupted run leaves nothing half done. */
const initialize = (say: (line: string) => void): void => {
  const installer = programNamed("mariadb-install-db", "mysql_install_db")
  if (installer === undefined) throw new InfraProblem("MariaDB is incomplete: mariadb-install-db is missing")
  say("MariaDB: preparing an empty data directory")
  const aside = `${dataDir}.new`
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { recursive: true })
  const options = ["--no-defaults", `--datadir=${aside}`, "--skip-test-db", "--auth-root-authentication-method=normal"]
  run("MariaDB's data directory cannot be made", installer, [...options, ...asRoot])
  renameSync(aside, dataDir)
}

/** The server, ready to be started. Says what takes long. */
export const prepared = (say: (line: string) => void): Daemon => {
  if (programNamed("mariadbd", "mysqld") === undefined) install(say)
  const command = programNamed("mariadbd", "mysqld")
  if (command === undefined) throw new InfraProblem("MariaDB is missing: mariadbd is not among the system's programs")
  if (!existsSync(dataDir)) initialize(say)
  return daemonOf(command)
}

/** The server as it may be running already. */
export const daemonOf = (command = "mariadbd"): Daemon =>
  new Daemon({
    name,
    ports: [ports.mysql],
    command,
    args: [
      "--no-defaults",
      `--datadir=${dataDir}`,
      `--init-file=${initFile}`,
      "--bind-address=127.0.0.1",
      `--port=${ports.mysql}`,
      // In the data directory: a longer path could not be a socket's.
      "--socket=server.sock",
      "--pid-file=mariadbd.pid",
      ...asRoot,
      ...settings
    ]
  })
