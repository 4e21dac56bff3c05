/** `pnpm bench gateway`: memory and CPU of this server's live path beside a bare `ws` relay and Socket.IO. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type { Done, Order } from "./load.ts"
import { cpuMicros, median, residentBytes, wait } from "./measure.ts"
import { type ServerName, type ServerUnderTest, start } from "./ServerUnderTest.ts"

const servers: ReadonlyArray<ServerName> = ["bare ws", "Socket.IO", "fiberchat, store in memory", "fiberchat"]

export interface Size {
  /** Idle connections whose memory is measured. */
  readonly connections: number
  readonly frames: number
  readonly rounds: number
  readonly idleMillis: number
}

export interface Figures {
  /** As the operating system sees it, garbage and all. */
  readonly residentKilobytesPerConnection: number
  /** Less the free part of the heap, after a collection. */
  readonly kilobytesPerConnection: number
  readonly acceptedPerSecond: number
  readonly microsPerAccept: number
  readonly idleMicrosPerConnectionSecond: number
  /** Server CPU per relayed frame, a figure per round. */
  readonly microsPerFrame: ReadonlyArray<number>
}

export type Report = ReadonlyArray<{ readonly name: ServerName; readonly figures: Figures }>

const pairs = 50
const window = 4
const warmUpConnections = 200
/** Until the handshakes are over on both sides. */
const settleMillis = 2_000

/** A load process, ended with the work that it was started for. */
const withLoad = async <A>(use: (order: (order: Order) => Promise<Done>) => Promise<A>): Promise<A> => {
  const child: ChildProcess = fork(join(import.meta.dirname, "load.ts"))
  const failed = new Promise<never>((_, reject) =>
    child.once("exit", (code) => reject(new Error(`the load generator ended with ${code}`)))
  )
  failed.catch(() => {})
  const order = (order: Order): Promise<Done> =>
    Promise.race([
      failed,
      new Promise<Done>((resolve) => {
        child.once("message", (done) => resolve(done as Done))
        child.send(order)
      })
    ])
  try {
    return await use(order)
  } finally {
    child.kill("SIGKILL")
  }
}

const withServer = async <A>(name: ServerName, use: (server: ServerUnderTest) => Promise<A>): Promise<A> => {
  const server = await start(name, 2 * pairs)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

const openOrder = ({ name, url, logins }: ServerUnderTest, count: number): Order => ({
  _tag: "Open",
  server: name,
  url,
  logins,
  count
})

const measureIdle = (name: ServerName, size: Size) =>
  withServer(name, (server) =>
    withLoad(async (order) => {
      // The first few stay open: they compile and allocate what all others share.
      await order(openOrder(server, warmUpConnections))
      await wait(settleMillis)
      const residentBefore = residentBytes(server.pid)
      const bytesBefore = await server.memoryInUse()
      const openingBefore = cpuMicros(server.pid)
      const { millis } = await order(openOrder(server, size.connections))
      const opening = cpuMicros(server.pid) - openingBefore
      await wait(settleMillis)
      const resident = residentBytes(server.pid) - residentBefore
      const bytes = (await server.memoryInUse()) - bytesBefore
      const idleBefore = cpuMicros(server.pid)
      await wait(size.idleMillis)
      const idle = cpuMicros(server.pid) - idleBefore
      return {
        residentKilobytesPerConnection: resident / 1000 / size.connections,
        kilobytesPerConnection: bytes / 1000 / size.connections,
        acceptedPerSecond: (size.connections / millis) * 1000,
        microsPerAccept: opening / size.connections,
        idleMicrosPerConnectionSecond: idle / (size.connections + warmUpConnections) / (size.idleMillis / 1000)
      }
    })
  )

const measureFrames = (name: ServerName, size: Size) =>
  withServer(name, (server) =>
    withLoad(async (order) => {
      await order(openOrder(server, 2 * pairs))
      await order({ _tag: "Relay", frames: size.frames / 4, pairs, window })
      const before = cpuMicros(server.pid)
      await order({ _tag: "Relay", frames: size.frames, pairs, window })
      return (cpuMicros(server.pid) - before) / size.frames
    })
  )

/** The servers take turns, so that a slow minute of the machine meets them all. */
export const run = async (size: Size, progress: (line: string) => void): Promise<Report> => {
  const microsPerFrame = new Map<ServerName, Array<number>>(servers.map((name) => [name, []]))
  for (let round = 1; round <= size.rounds; round++) {
    for (const name of servers) {
      const micros = await measureFrames(name, size)
      microsPerFrame.get(name)?.push(micros)
      progress(`round ${round}: ${name}: ${micros.toFixed(1)} µs of CPU per frame`)
    }
  }
  const report = []
  for (const name of servers) {
    const idle = await measureIdle(name, size)
    progress(`${name}: ${idle.kilobytesPerConnection.toFixed(1)} KB per idle connection`)
    report.push({ name, figures: { ...idle, microsPerFrame: microsPerFrame.get(name) ?? [] } })
  }
  return report
}

/** The report as a Markdown table, with ratios to the relays. */
export const table = (report: Report): string => {
  const micros = (name: ServerName) => median(report.find((row) => row.name === name)?.figures.microsPerFrame ?? [])
  const rows = report.map(({ name, figures }) => {
    const own = micros(name)
    return [
      name,
      figures.residentKilobytesPerConnection.toFixed(1),
      figures.kilobytesPerConnection.toFixed(1),
      `${own.toFixed(1)} (${Math.min(...figures.microsPerFrame).toFixed(1)}–${Math.max(...figures.microsPerFrame).toFixed(1)})`,
      (own / micros("bare ws")).toFixed(2),
      (own / micros("Socket.IO")).toFixed(2),
      figures.acceptedPerSecond.toFixed(0),
      figures.microsPerAccept.toFixed(0),
      figures.idleMicrosPerConnectionSecond.toFixed(2)
    ]
  })
  const head = [
    "server",
    "RSS per idle connection, KB",
    "memory in use per idle connection, KB",
    "CPU per frame, µs: median (min–max)",
    "× bare ws",
    "× Socket.IO",
    "accepted per second",
    "CPU per accept, µs",
    "idle CPU per connection and second, µs"
  ]
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}
