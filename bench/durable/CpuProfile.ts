/** Where a server's CPU goes: V8's samples, by part of the program and by function. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { wait } from "../measure.ts"
import type { Part } from "./Contender.ts"

interface Node {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: ReadonlyArray<number>
}

/** The file format of the inspector. */
export interface CpuProfile {
  readonly nodes: ReadonlyArray<Node>
  readonly samples: ReadonlyArray<number>
  readonly timeDeltas: ReadonlyArray<number>
}

/** Part of the time in which the process was not idle. */
export interface Share {
  readonly name: string
  readonly part: number
}

/** Where code belongs, by its address; what belongs nowhere counts for its caller. */
const places: ReadonlyArray<readonly [RegExp, string]> = [
  [/node_modules\/(@[^/]+\/[^/]+|[^/@.][^/]*)\/(?!.*node_modules)/, ""],
  [/^node:(internal\/)?(net|stream|streams|stream_base)/, "node: streams and sockets"],
  [/^node:(internal\/)?(timers|process|async_hooks)/, "node: timers and ticks"],
  [/^node:/, "node: other"],
  [/\/src\/(domain|actors|layers|http)\/([^/]+)\.ts$/, "fiberchat: "]
]

const placeOf = ({ functionName, url }: Node["callFrame"]): string | undefined => {
  if (functionName === "(garbage collector)") return "garbage collector"
  if (functionName === "(program)") return "outside of JavaScript (kernel, compiler)"
  for (const [pattern, name] of places) {
    const found = pattern.exec(url)
    if (found !== null) return name === "" ? found[1] : name.endsWith(": ") ? `${name}${found[1]}/${found[2]}` : name
  }
  return undefined
}

/** Functions of V8 and Node without an address of their own that say what is done, whoever asks for it. */
const natives: Readonly<Record<string, string>> = {
  parse: "JSON",
  stringify: "JSON",
  writev: "node: writing to sockets",
  writeUtf8String: "node: writing to sockets",
  writeBuffer: "node: writing to sockets",
  writeLatin1String: "node: writing to sockets"
}

export interface ProfileSummary {
  readonly busyMillis: number
  readonly places: ReadonlyArray<Share>
  readonly functions: ReadonlyArray<Share>
}

export const summaryOf = ({ nodes, samples, timeDeltas }: CpuProfile): ProfileSummary => {
  const parents = new Map<number, Node>()
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node)
  const self = new Map<number, number>()
  for (const [index, id] of samples.entries()) self.set(id, (self.get(id) ?? 0) + (timeDeltas[index] ?? 0))

  const byPlace = new Map<string, number>()
  const byFunction = new Map<string, number>()
  let busy = 0
  for (const node of nodes) {
    const micros = self.get(node.id) ?? 0
    if (micros === 0 || ["(idle)", "(root)"].includes(node.callFrame.functionName)) continue
    busy += micros
    const { functionName, url, lineNumber } = node.callFrame
    let place = url === "" ? natives[functionName] : undefined
    for (let at: Node | undefined = node; place === undefined && at !== undefined; at = parents.get(at.id)) {
      place = placeOf(at.callFrame)
    }
    add(byPlace, place ?? "other", micros)
    const file = url.split("/").slice(-2).join("/")
    add(
      byFunction,
      `${functionName || "(anonymous)"} ${file === "" ? `← ${place}` : `${file}:${lineNumber + 1}`}`,
      micros
    )
  }
  const shares = (map: ReadonlyMap<string, number>): ReadonlyArray<Share> =>
    [...map].map(([name, micros]) => ({ name, part: micros / busy })).sort((a, b) => b.part - a.part)
  return { busyMillis: busy / 1000, places: shares(byPlace), functions: shares(byFunction) }
}

const add = (map: Map<string, number>, key: string, value: number): void =>
  void map.set(key, (map.get(key) ?? 0) + value)

const lines = (shares: ReadonlyArray<Share>, count: number): string =>
  shares
    .slice(0, count)
    .map(({ name, part }) => `${(100 * part).toFixed(1).padStart(5)} %  ${name}`)
    .join("\n")

/** The summary in words. */
export const profileText = (title: string, { busyMillis, places, functions }: ProfileSummary): string =>
  `${title}: busy for ${busyMillis.toFixed(0)} ms\n${lines(places, 24)}\n\nby function, self time:\n${lines(functions, 40)}\n`

/** Arguments of Node with which a process of {@link profiled} has to be started. */
export const profileArguments = ["--import", join(import.meta.dirname, "profileOnSignal.ts")]

/** How long a profile may take to be written. */
const writtenMillisMax = 30_000

/** Processes that work together, and what to call them. */
export interface ProfiledProcesses {
  readonly name: string
  readonly title: string
  readonly parts: ReadonlyArray<Part>
  /** Their data directory, into which the profiles are written first. */
  readonly directory: string
}

/** Takes the profiles of a contender's own processes while it works; leaves them in a folder and answers what they say. */
export const profiled = async (
  { name, title, parts, directory }: ProfiledProcesses,
  folder: string,
  work: () => Promise<unknown>
): Promise<string> => {
  const own = parts.filter((part) => part.name !== "MariaDB" && part.name !== "Kafka")
  const signal = () => own.forEach(({ pid }) => process.kill(pid, "SIGUSR2"))
  signal()
  await work()
  signal()
  mkdirSync(folder, { recursive: true })
  const texts: Array<string> = []
  for (const part of own) {
    const file = join(directory, `${part.pid}.cpuprofile`)
    const text = await written(file)
    rmSync(file)
    writeFileSync(join(folder, `${name}-${part.name}.cpuprofile`), text)
    texts.push(profileText(`${title}, ${part.name}`, summaryOf(JSON.parse(text))))
  }
  return texts.join("\n")
}

const written = async (file: string): Promise<string> => {
  for (let waited = 0; waited < writtenMillisMax; waited += 100) {
    await wait(100)
    if (existsSync(file)) return readFileSync(file, "utf8")
  }
  throw new Error("the server did not write its profile")
}
