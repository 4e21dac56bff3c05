/** Frames over real sockets: every command and query gets its answer, and the connection lives on. */
import { setTimeout as sleep } from "node:timers/promises"
import { WebSocket } from "ws"
import { allMethods } from "../../src/domain/protocol/ClientMethods.ts"
import { FrameType } from "../../src/domain/protocol/Frame.ts"
import { isTooDeep } from "../../src/domain/shared/Json.ts"
import type { Account } from "../harness/Account.ts"
import type { Chance } from "../harness/Chance.ts"
import { samplesOf } from "./Samples.ts"
import type { Verdict } from "./Verdict.ts"

/** Frames that wait for their answers. */
const underWay = 32
const answerMillis = 60_000

interface ServerFrame {
  readonly id: string
  readonly frameType: number
  readonly method?: string
  readonly ackSeq?: number
  readonly data?: unknown
}

/** Sends so many frames on a socket of its own, in one ack mode. */
export const fuzzSocket = async (
  account: Account,
  ack: "none" | "once" | "rigor",
  count: number,
  known: ReadonlyArray<string>,
  chance: Chance,
  verdict: Verdict
): Promise<void> => {
  const samples = allMethods.map((method) => ({ method, samples: samplesOf(method.payload, chance.fork()) }))
  const socket = new WebSocket(`${account.url.replace("http", "ws")}/ws?ack=${ack}&deviceId=fuzz-${ack}`, {
    headers: { authorization: account.token }
  })
  const waiting = new Map<string, string>()
  let settled = () => {}
  let closed: number | undefined
  socket.on("close", (code) => {
    closed = code
    settled()
  })
  socket.on("error", () => {})
  socket.on("message", (bytes) => {
    const frame = JSON.parse(String(bytes)) as ServerFrame
    const sent = waiting.get(frame.id)
    if (frame.frameType === FrameType.err) {
      verdict.answered((frame.data as { readonly code?: unknown }).code, sent ?? "an earlier frame")
    }
    if (frame.frameType === FrameType.data && frame.method === "push") {
      return socket.send(JSON.stringify({ id: frame.id, frameType: FrameType.ack, ackSeq: 1 }))
    }
    // A confirmed frame is answered once more.
    if (ack === "rigor" && frame.frameType === FrameType.ack && frame.ackSeq === 1) {
      return socket.send(JSON.stringify({ id: frame.id, frameType: FrameType.ack, ackSeq: 2 }))
    }
    if (!waiting.delete(frame.id)) return
    if (frame.frameType !== FrameType.err) verdict.succeeded += 1
    settled()
  })
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  for (let index = 0; index < count && closed === undefined; index += 1) {
    const { method, samples: of } = samples[chance.between(0, samples.length - 1)] as (typeof samples)[number]
    const id = `${ack}${index}`
    const frame = { id, method: method.name, data: of.next(known, chance) }
    const text = JSON.stringify(frame)
    if (text.length > 60_000) continue
    const hasAnswer = method.kind === "query" || (method.kind === "command" && ack !== "none")
    // A frame that is nested too deep is refused before its id is read.
    if (hasAnswer && !isTooDeep(text)) waiting.set(id, text)
    socket.send(text)
    verdict.cases += 1
    const since = performance.now()
    while (waiting.size >= underWay && closed === undefined) {
      const answer = new Promise<void>((resolve) => {
        settled = resolve
      })
      await Promise.race([answer, sleep(1_000)])
      if (performance.now() - since > answerMillis) break
    }
    if (waiting.size >= underWay) break
    if (index % 64 === 0) await sleep(0)
  }
  const latest = performance.now() + answerMillis
  while (waiting.size > 0 && closed === undefined && performance.now() < latest) await sleep(10)
  if (closed !== undefined) verdict.violated(`the socket was closed with ${closed}`, [...waiting.values()].at(-1) ?? "")
  for (const text of [...waiting.values()].slice(0, 3)) verdict.violated("no answer", text)
  socket.terminate()
}
