/**
 * The attacks of `pnpm bench hostile`, in a process of its own: started with the name of one, it is told the address and
 * its logins over IPC, and goes on until it is ended. Only loopback is attacked.
 */
import { request } from "node:http"
import { connect } from "node:net"
import { WebSocket } from "ws"
import type { Login } from "../ServerUnderTest.ts"

export interface Target {
  readonly attack: AttackName
  readonly url: string
  /** The address from which the attack comes. */
  readonly localAddress: string
  /** Users of the attacker. */
  readonly logins: ReadonlyArray<Login>
}

/** The attacker's bytes that may wait in a socket which the server does not read. */
const bufferedMax = 4 * 1024 * 1024
/** Another address of the machine than the pair has: another network to the server. */
const elsewhere = "127.0.0.2"
/** Less than `CHAT_MAX_FRAME_BYTES`. */
const longText = 63 * 1024

const repeated = (part: string, count: number) => Array(count).fill(part).join()
const frame = (id: string, method: string, data: unknown) => JSON.stringify({ id, method, data })
const chat = (id: string, receiveId: string, content: string) =>
  frame(id, "conversation.chat", { chatType: 1, receiveId, message: { messageType: 0, content } })

/** Opens a socket, and again whenever it is closed; `use` is called with each. */
const keepOpen = (
  { url, localAddress }: Pick<Target, "url" | "localAddress">,
  login: Login,
  query: string,
  use: (socket: WebSocket) => void
): void => {
  const headers = { authorization: login.token }
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws?${query}`, { headers, localAddress })
  socket.on("open", () => use(socket))
  socket.on("error", () => {})
  socket.on("close", () => setTimeout(() => keepOpen({ url, localAddress }, login, query, use), 100))
}

/** Sends as fast as the socket takes it. */
const flood = (socket: WebSocket, next: (index: number) => string): void => {
  let index = 0
  const send = () => {
    if (socket.readyState !== socket.OPEN) return
    for (let count = 0; count < 50 && socket.bufferedAmount < bufferedMax; count += 1) socket.send(next(index++))
    setImmediate(send)
  }
  send()
}

const sockets =
  (
    count: number,
    query: string,
    use: (socket: WebSocket, index: number, login: Login, logins: ReadonlyArray<Login>) => void
  ): Attack =>
  ({ logins, ...target }) => {
    for (let index = 0; index < count; index += 1) {
      const login = logins[index % logins.length] as Login
      keepOpen(target, login, `${query}&deviceId=d${index}`, (socket) => use(socket, index, login, logins))
    }
  }

/** The same from the address of the pair. */
const nearby =
  (attack: Attack): Attack =>
  (target) =>
    attack({ ...target, localAddress: "127.0.0.1" })

/** The same on so many sockets of one user. */
const ofOneUser =
  (attack: Attack): Attack =>
  (target) =>
    attack({ ...target, logins: target.logins.slice(0, 1) })

const flooding = (count: number, query: string, text: string | ((index: number, login: Login) => string)): Attack =>
  sockets(count, query, (socket, _, login) =>
    flood(socket, typeof text === "string" ? () => text : (index) => text(index, login))
  )

/** Asks many times on each connection, and reads no response. */
const pipelined =
  (peers: number, requests: number, path: string): Attack =>
  ({ url, localAddress }) => {
    const { port } = new URL(url)
    for (let peer = 0; peer < peers; peer += 1) {
      const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress }, () => {
        socket.pause()
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(requests))
      })
      socket.on("error", () => {})
    }
  }

/** Calls again and again, on so many connections at once. */
const calling =
  (count: number, method: string, path: string, bodyOf: (logins: ReadonlyArray<Login>) => unknown): Attack =>
  ({ url, logins, localAddress }) => {
    const text = JSON.stringify(bodyOf(logins))
    const headers = { authorization: `Bearer ${logins[0]?.token}`, "content-type": "application/json" }
    const call = () => {
      const again = () => setImmediate(call)
      const sent = request(`${url}${path}`, { method, headers, localAddress }, (response) =>
        response.resume().on("close", again)
      )
      sent.on("error", again)
      sent.end(method === "GET" ? undefined : text)
    }
    for (let index = 0; index < count; index += 1) call()
  }

type Attack = (target: Omit<Target, "attack">) => void

export const attacks = {
  "rigor: one frame of 21 000 objects, again and again": flooding(
    1,
    "ack=rigor",
    `{"id":"x","method":"conversation.chat","data":[${repeated("{}", 21_000)}]}`
  ),
  "rigor: frames of 21 000 objects that are never confirmed": ofOneUser(
    flooding(
      5,
      "ack=rigor",
      (index) => `{"id":"${index}","method":"conversation.chat","data":[${repeated("{}", 21_000)}]}`
    )
  ),
  "frames nested 30 000 deep": flooding(
    5,
    "ack=rigor",
    `{"id":"x","method":"conversation.chat","data":${"[".repeat(30_000)}${"]".repeat(30_000)}}`
  ),
  "sync that names 500 conversations, 64 at once, then gone": sockets(4, "ack=none", (socket, _, login) => {
    const conversations = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`${login.userId}_${10n ** 18n + BigInt(index)}`, 0])
    )
    for (let index = 0; index < 64; index += 1)
      socket.send(frame(String(index), "conversation.sync", { conversations }))
    setTimeout(() => socket.terminate(), 50)
  }),
  "10 sockets at full speed": flooding(10, "ack=none", (index, { userId }) => chat(String(index), userId, "x")),
  "10 sockets at full speed with long frames": flooding(10, "ack=none", (index, { userId }) =>
    chat(`${index}`, userId, "x".repeat(longText))
  ),
  "50 sockets of one user at full speed": ofOneUser(
    flooding(50, "ack=none", (index, { userId }) => chat(String(index), userId, "x"))
  ),
  "presence.watch of 200 on 20 sockets": sockets(20, "ack=none", (socket, _, __, logins) => {
    const userIds = Array.from(
      { length: 200 },
      (_, index) => logins[index]?.userId ?? String(10n ** 18n + BigInt(index))
    )
    flood(socket, (index) => frame(String(index), "presence.watch", { userIds }))
  }),
  "20 peers that ask 30 times for /docs and read nothing": pipelined(20, 30, "/docs"),
  "groups that are founded again and again": calling(10, "POST", "/v1/social/group", (logins) => ({
    name: "hostile",
    userIds: logins.slice(1).map(({ userId }) => userId)
  })),
  "50 connections that ask for a profile with a bad token": (target) =>
    calling(50, "GET", "/v1/user/user", () => ({}))({ ...target, logins: [{ userId: "", token: "none" }] }),
  "50 sockets of one user at full speed, at the pair's own address": nearby(
    ofOneUser(flooding(50, "ack=none", (index, { userId }) => chat(String(index), userId, "x")))
  )
} as const satisfies Record<string, Attack>

export type AttackName = keyof typeof attacks

process.once("message", (message) => {
  const target = message as Omit<Target, "localAddress">
  attacks[target.attack]({ ...target, localAddress: elsewhere })
})
