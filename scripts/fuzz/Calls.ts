/** Requests to every route of the HTTP API: every answer has the envelope, a code of the table, and its status. */
import { Agent, request } from "node:http"
import { HttpApi } from "effect/http-api"
import { Api } from "../../src/http/api/Api.ts"
import type { Account } from "../harness/Account.ts"
import type { Chance } from "../harness/Chance.ts"
import { garbled, type Samples, samplesOf } from "./Samples.ts"
import type { Verdict } from "./Verdict.ts"

interface Route {
  readonly method: string
  readonly path: string
  readonly query: Samples | undefined
  readonly body: Samples | undefined
}

/** Ends the logins that the other calls need, or costs a hash each. */
const leftOut: ReadonlySet<string> = new Set(["/v1/user/logout", "/v1/user/register", "/v1/user/login"])
const answerMillis = 60_000
/** Calls under way at once. */
const callers = 8

const routesOf = (chance: Chance): ReadonlyArray<Route> => {
  const routes: Array<Route> = []
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => {
      if (leftOut.has(endpoint.path)) return
      const [payload] = [...endpoint.payload.values()].flatMap(({ schemas }) => schemas)
      routes.push({
        method: endpoint.method,
        path: endpoint.path,
        query: endpoint.query && samplesOf(endpoint.query, chance),
        body: payload && samplesOf(payload, chance)
      })
    }
  })
  return routes
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""))

const queryOf = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? new URLSearchParams(Object.entries(value).map(([key, part]) => [key, textOf(part).slice(0, 4_000)])).toString()
    : encodeURIComponent(textOf(value).toWellFormed().slice(0, 4_000))

interface Answer {
  readonly status: number
  readonly text: string
}

/** Calls so many routes, some at once. */
export const fuzzCalls = async (
  account: Account,
  count: number,
  known: ReadonlyArray<string>,
  chance: Chance,
  verdict: Verdict
): Promise<void> => {
  const routes = routesOf(chance.fork())
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  const call = (method: string, path: string, body: string | undefined): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${account.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
      }
      const sent = request(`${account.url}${path}`, { method, agent, headers, timeout: answerMillis }, (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (chunk: string) => {
          text += chunk
        })
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
      })
      sent.on("timeout", () => sent.destroy(new Error("no answer")))
      sent.on("error", reject)
      sent.end(body)
    })

  // Each has a chance of its own: which of them is answered first does not change what they ask.
  const worker = async (chance: Chance) => {
    for (let left = Math.ceil(count / callers); left > 0; left -= 1) {
      const route = routes[chance.between(0, routes.length - 1)] as Route
      const query = route.query === undefined ? "" : `?${queryOf(route.query.next(known, chance))}`
      const json = route.body === undefined ? undefined : JSON.stringify(route.body.next(known, chance))
      const body = json !== undefined && chance.happens(0.1) ? garbled(json, chance) : json
      const sent = `${route.method} ${route.path}${query} ${body ?? ""}`
      verdict.cases += 1
      try {
        const { status, text } = await call(route.method, route.path + query, body)
        if (route.path.startsWith("/health")) continue
        verdict.answered((JSON.parse(text) as { readonly code?: unknown }).code, sent, status)
      } catch (error) {
        verdict.violated(`no envelope: ${error}`, sent)
      }
    }
  }
  await Promise.all(Array.from({ length: callers }, () => worker(chance.fork())))
  agent.destroy()
}
