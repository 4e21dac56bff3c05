/** How long a list of conversations takes over HTTP, on one connection that stays open. */
import { Agent, get } from "node:http"
import type { ApiServer } from "./ApiServer.ts"
import { type Measured, repeated, type Times } from "./Measured.ts"

/** Reads the first page of the list; all of them are in it. */
export const measureLists = async ({ url, parts, store }: ApiServer, times: Times): Promise<Measured> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { token } = store.lister
  const read = () => fetched(`${url}/v1/im/conversation`, token, agent)
  try {
    const { data } = JSON.parse(await read()) as { readonly data: ListAnswer }
    const entries = Object.values(data.conversationList)
    if (entries.length !== store.members.length || entries.some(({ msg }) => msg === null)) {
      throw new Error(`the list has ${entries.length} conversations`)
    }
    return await repeated({ parts, ...times }, read)
  } finally {
    agent.destroy()
  }
}

interface ListAnswer {
  readonly conversationList: Readonly<Record<string, { readonly msg: unknown }>>
}

const fetched = (url: string, token: string, agent: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString()
        if (response.statusCode === 200) resolve(body)
        else reject(new Error(`${response.statusCode}: ${body}`))
      })
    })
    request.on("error", reject)
  })
