/** A user over HTTP: registration, and the conversation as `GET /v1/im/chatlog` tells it. */
import { randomInt } from "node:crypto"
import { say } from "./Transcript.ts"
import { pause } from "./Waiting.ts"
import { codes, field, listField, numberField, readChatLog, type StoredMessage, textField } from "./Wire.ts"

const answerMillis = 15_000
const pageMax = 200
/** A shared server counts registrations per minute and address. */
const retriesMax = 3

/** A logged-in user. */
export interface Account {
  readonly name: string
  readonly url: string
  readonly userId: string
  readonly token: string
}

export interface Answer {
  readonly status: number
  readonly code: number
  readonly data: unknown
}

/** One HTTP request and its envelope; waits and asks again where the server says so. */
export const request = async (
  method: string,
  url: string,
  options: { readonly token?: string; readonly body?: unknown } = {}
): Promise<Answer> => {
  for (let attempt = 0; ; attempt += 1) {
    const response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(answerMillis),
      headers: {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(options.body === undefined ? {} : { "content-type": "application/json" })
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) })
    })
    const envelope: unknown = await response.json()
    const code = numberField(envelope, "code")
    if (code !== codes.rateLimited || attempt === retriesMax) {
      return { status: response.status, code, data: field(envelope, "data") }
    }
    const seconds = Number(response.headers.get("retry-after") ?? "1")
    say(`the server limits the rate of ${method} ${new URL(url).pathname}: waiting ${seconds} s`)
    await pause(seconds * 1_000)
  }
}

const succeeded = (what: string, { status, code, data }: Answer): unknown => {
  if (status !== 200 || code !== 200) throw new Error(`${what} was answered with HTTP ${status}, code ${code}`)
  return data
}

/** Registers a new user with a random French mobile number. */
export const register = async (url: string, name: string): Promise<Account> => {
  // Not every number from +336 is in use: 00 to 29 are.
  const phone = `+336${String(randomInt(30_000_000)).padStart(8, "0")}`
  const registered = await request("POST", `${url}/v1/user/register`, {
    body: { phone, password: `password of ${name}`, nickname: name }
  })
  const token = textField(succeeded("registration", registered), "token")
  const profile = await request("GET", `${url}/v1/user/user`, { token })
  const userId = textField(field(succeeded("the profile", profile), "info"), "id")
  return { name, url, userId, token }
}

/** Asks for one page of the chatlog: the newest messages before `beforeSeq`, 0 for the newest of all. */
export const askChatLog = (account: Account, conversationId: string, beforeSeq: number): Promise<Answer> => {
  const query = new URLSearchParams({ conversationId, count: String(pageMax), beforeSeq: String(beforeSeq) })
  return request("GET", `${account.url}/v1/im/chatlog?${query}`, { token: account.token })
}

/** The whole conversation by HTTP, page by page from the newest, in ascending order; it begins with a message. */
export const readChatLogs = async (account: Account, conversationId: string): Promise<ReadonlyArray<StoredMessage>> => {
  const newestFirst: Array<StoredMessage> = []
  for (let beforeSeq = 0; beforeSeq !== 1; ) {
    const answer = await askChatLog(account, conversationId, beforeSeq)
    if (answer.code === codes.noConversation) break
    const page = listField(succeeded("the chatlog", answer), "list").map(readChatLog)
    const oldest = page.at(-1)
    if (oldest === undefined) break
    if (beforeSeq !== 0 && oldest.seq >= beforeSeq) throw new Error("the chatlog does not advance")
    newestFirst.push(...page)
    beforeSeq = oldest.seq
  }
  return newestFirst.reverse()
}
