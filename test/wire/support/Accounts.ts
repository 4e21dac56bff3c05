/** Users over HTTP, as any client registers them (protocol.md section 2). */
import { randomInt } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"

const answerMillis = 120_000
/** A server with a limit on registrations says when to come back; it is believed so often. */
const retriesMax = 5
const codes = { overloaded: 100_009, rateLimited: 100_008, phoneTaken: 200_001 }

export interface User {
  readonly name: string
  readonly id: string
  readonly token: string
}

interface Envelope {
  readonly code: number
  readonly msg: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of any shape
  readonly data: any
}

/** One request; waits and tries again where a server with a limit says so. */
export const request = async (
  method: string,
  url: string,
  options: { readonly token?: string; readonly body?: unknown }
): Promise<Envelope> => {
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
    const envelope = (await response.json()) as Envelope
    const isBusy = envelope.code === codes.rateLimited || envelope.code === codes.overloaded
    if (!isBusy || attempt === retriesMax) return envelope
    await pause(Number(response.headers.get("retry-after") ?? "1") * 1_000)
  }
}

/** Registers a new user under a random French mobile number, whom everybody may add to groups, and contacts see. */
export const register = async (url: string, name: string): Promise<User> => {
  // Not every number from +336 is in use: 00 to 29 are.
  const phone = `+336${String(randomInt(30_000_000)).padStart(8, "0")}`
  const body = { phone, password: `password of ${name}`, nickname: name }
  const registered = await request("POST", `${url}/v1/user/register`, { body })
  if (registered.code === codes.phoneTaken) return register(url, name)
  if (registered.code !== 200) throw new Error(`registration was refused: ${JSON.stringify(registered)}`)
  const { token } = registered.data
  const profile = await request("GET", `${url}/v1/user/user`, { token })
  if (profile.code !== 200) throw new Error(`the profile was refused: ${JSON.stringify(profile)}`)
  const privacy = { addToGroups: "everyone", showPresence: "contacts" }
  const open = await request("PATCH", `${url}/v1/user/privacy`, { token, body: privacy })
  if (open.code !== 200) throw new Error(`the privacy was refused: ${JSON.stringify(open)}`)
  return { name, id: profile.data.info.id, token }
}
