/** Apache Kafka from Maven Central as a single node in KRaft mode: its ports, its data, loopback only. */
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ports, root } from "./addresses.ts"
import { Daemon, directoryOf } from "./Daemon.ts"
import { InfraProblem } from "./InfraProblem.ts"
import { programNamed, run } from "./programs.ts"

const name = "kafka"
const directory = directoryOf(name)
const libs = join(directory, "libs")
const dataDir = join(directory, "data")
const propertiesFile = join(directory, "server.properties")
const source = join(root, "infra", "kafka")
const pom = join(source, "pom.xml")
/** The `pom.xml` whose jars are in `libs`. */
const fetchedPom = join(directory, "pom.xml")
const controllerPort = ports.kafka + 1
const javaMin = 17

const properties = `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${ports.kafka}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${dataDir}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
# A broker that was killed must wait until its old session has ended.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
`

const jvm = [
  "-Xms256m",
  "-Xmx512m",
  "-cp",
  `${libs}/*`,
  `-Dlog4j2.configurationFile=${join(source, "log4j2.properties")}`
]

const java = (): string => {
  const command = programNamed("java")
  const wanted = `Java ${javaMin} or newer is needed for Kafka: install the package openjdk-17-jre-headless`
  if (command === undefined) throw new InfraProblem(wanted)
  const settings = run(wanted, command, ["-XshowSettings:properties", "-version"])
  const version = /^\s*java\.specification\.version = (\d+)/m.exec(settings)?.[1]
  if (Number(version) < javaMin) throw new InfraProblem(wanted)
  return command
}

/** Copies the broker and what it needs from Maven Central, when that is not what is there already. */
const fetchJars = (say: (line: string) => void): void => {
  const wanted = readFileSync(pom, "utf8")
  if (existsSync(fetchedPom) && readFileSync(fetchedPom, "utf8") === wanted) return
  const maven = programNamed("mvn")
  if (maven === undefined) throw new InfraProblem("Maven is needed to fetch Kafka: install the package maven")
  say("Kafka: fetching the broker from Maven Central")
  rmSync(libs, { recursive: true, force: true })
  const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${libs}`, "-DincludeScope=runtime"]
  run("Kafka cannot be fetched from Maven Central", maven, ["-q", "-B", "-f", pom, ...goal])
  writeFileSync(fetchedPom, wanted)
}

/** Writes the identity of an empty node, aside first, so that an interrupted run leaves nothing half done. */
const format = (command: string, say: (line: string) => void): void => {
  say("Kafka: formatting an empty data directory")
  const aside = `${dataDir}.new`
  rmSync(aside, { recursive: true, force: true })
  const asideProperties = `${propertiesFile}.new`
  writeFileSync(asideProperties, properties.replace(dataDir, aside))
  const clusterId = randomBytes(16).toString("base64url")
  run("Kafka's data directory cannot be formatted", command, [
    ...jvm,
    "kafka.tools.StorageTool",
    "format",
    "--cluster-id",
    clusterId,
    "--config",
    asideProperties
  ])
  rmSync(asideProperties)
  renameSync(aside, dataDir)
}

/** The broker, ready to be started. Says what takes long. */
export const prepared = (say: (line: string) => void): Daemon => {
  const command = java()
  mkdirSync(directory, { recursive: true })
  fetchJars(say)
  writeFileSync(propertiesFile, properties)
  if (!existsSync(dataDir)) format(command, say)
  return daemonOf(command)
}

/** The broker as it may be running already. */
export const daemonOf = (command = "java"): Daemon =>
  new Daemon({ name, ports: [ports.kafka, controllerPort], command, args: [...jvm, "kafka.Kafka", propertiesFile] })
