/** The AsyncAPI 3 document of the chat socket, made from the methods and events of the client protocol (protocol.md section 1). */
import { Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { ackModes } from "../../domain/protocol/AckMode.ts"
import { allMethods } from "../../domain/protocol/ClientMethods.ts"
import { FrameType, PushAck } from "../../domain/protocol/Frame.ts"
import { type AnyEvent, type AnyMethod, everyMethod, everyRigorCommand } from "../../domain/protocol/Method.ts"
import { events } from "../../domain/protocol/ServerEvents.ts"
import { type ErrorName, errorTable } from "../../domain/shared/ErrorTable.ts"
import { chatPath } from "../shared/SharedServer.ts"

type Json = { readonly [key: string]: unknown }

const schemaOf = (schema: Schema.Top): Json => Schema.toJsonSchemaDocument(schema).schema as Json

/** A frame with these fields fixed or described; all others may be absent. */
const frame = (properties: Json, required: ReadonlyArray<string>): Json => ({
  type: "object",
  properties: { id: { type: "string", maxLength: 64 }, ...properties },
  required
})

const data = (method: string, payload: Json): Json =>
  frame({ frameType: { const: FrameType.data }, method: { const: method }, data: payload }, ["method"])

/** These errors as a list for readers. */
const rowsOf = (names: ReadonlyArray<ErrorName>): string =>
  names.map((name) => `${errorTable[name].code} ${errorTable[name].msg}`).join("; ")

/** Every error that a method can fail with. */
const errorsOf = ({ kind, errors }: AnyMethod): ReadonlyArray<ErrorName> => [
  ...new Set<ErrorName>([...errors, ...everyMethod, ...(kind === "command" ? everyRigorCommand : [])])
]

const message = (name: string, summary: string, payload: Json): Json => ({
  name,
  title: name,
  summary,
  contentType: "application/json",
  payload
})

const requestOf = ({ name, kind, summary, payload }: AnyMethod): Json => ({
  ...message(name, summary, data(name, schemaOf(payload))),
  description: `A ${kind}.`
})

/** The response to a method: the ack of a command, the data frame of a query, none for a signal. */
const responseOf = ({ name, kind, success }: AnyMethod): Json | undefined => {
  if (kind === "signal") return undefined
  if (kind === "query")
    return message(`${name}.response`, `The response to ${name}`, data(name, schemaOf(success.schema)))
  const fields = {
    frameType: { const: FrameType.ack },
    ackSeq: { type: "integer" },
    ackTime: { type: "string", format: "date-time" },
    ackErrCount: { type: "integer" },
    data: schemaOf(success.schema)
  }
  return message(`${name}.ack`, `The effect of ${name} is durable`, frame(fields, ["id", "frameType", "ackSeq"]))
}

const errorMessage = message(
  "err",
  "A frame failed",
  frame(
    {
      frameType: { const: FrameType.err },
      data: {
        type: "object",
        properties: {
          code: { enum: Object.values(errorTable).map(({ code }) => code) },
          msg: { type: "string" },
          method: { type: "string" },
          retryAfter: { type: "integer", description: "Milliseconds" }
        },
        required: ["code", "msg"]
      }
    },
    ["id", "frameType", "data"]
  )
)

const pushAckMessage = message(
  "push.ack",
  "Acknowledges a push by its id, or all pushes of a conversation up to a seq",
  frame({ frameType: { const: FrameType.ack }, ackSeq: { const: 1 }, data: schemaOf(PushAck) }, ["frameType", "ackSeq"])
)

const pingMessage = message(
  "ping",
  "A heartbeat; the server answers with the same frame",
  frame({ frameType: { const: FrameType.ping } }, ["frameType"])
)

const eventMessage = ({ name, summary, data: schema }: AnyEvent): Json =>
  message(`event.${name}`, summary, data(name, schemaOf(schema)))

/** Names of components have no dots. */
const keyOf = (name: string): string => name.replaceAll(".", "-")
const inChannel = (name: string): Json => ({ $ref: `#/channels/chat/messages/${keyOf(name)}` })
const inComponents = (name: string): Json => ({ $ref: `#/components/messages/${keyOf(name)}` })

const keyed = (messages: ReadonlyArray<Json>): Json =>
  Object.fromEntries(messages.map((one) => [keyOf(String(one["name"])), one]))

const methodOperation = (method: AnyMethod): readonly [string, Json] => {
  const response = responseOf(method)
  const replies = [...(response === undefined ? [] : [String(response["name"])]), "err"].map(inChannel)
  return [
    keyOf(method.name),
    {
      action: "receive",
      title: method.name,
      summary: method.summary,
      description: `A ${method.kind}. Fails with: ${rowsOf(errorsOf(method))}.`,
      channel: { $ref: "#/channels/chat" },
      messages: [inChannel(method.name)],
      reply: { channel: { $ref: "#/channels/chat" }, messages: replies }
    }
  ]
}

const eventOperation = ({ name, summary }: AnyEvent): readonly [string, Json] => [
  `event-${keyOf(name)}`,
  {
    action: "send",
    title: name,
    summary,
    channel: { $ref: "#/channels/chat" },
    messages: [inChannel(`event.${name}`)]
  }
]

/** The whole document. The server is the application that it describes: it receives methods and sends events. */
export const asyncApi = (): Json => {
  const allEvents: ReadonlyArray<AnyEvent> = Object.values(events)
  const messages = [
    ...allMethods.map(requestOf),
    ...allMethods.flatMap((method): ReadonlyArray<Json> => {
      const response = responseOf(method)
      return response === undefined ? [] : [response]
    }),
    ...allEvents.map(eventMessage),
    errorMessage,
    pushAckMessage,
    pingMessage
  ]
  const names = messages.map((one) => String(one["name"]))
  return {
    asyncapi: "3.0.0",
    id: "urn:fiberchat:chat",
    defaultContentType: "application/json",
    info: {
      title: "Fiberchat chat socket",
      version: "0.1.0",
      description:
        "One JSON text frame per WebSocket message. Numbers of frame types, acks and close codes: docs/protocol.md.",
      license: { name: "MIT" }
    },
    servers: {
      fiberchat: {
        host: "127.0.0.1:5555",
        protocol: "ws",
        description: "Where CHAT_HOST and CHAT_PORT listen",
        security: [{ $ref: "#/components/securitySchemes/bearer" }]
      }
    },
    channels: {
      chat: {
        address: chatPath,
        title: "Chat",
        description:
          "The subprotocol is fiberchat.v1; browsers offer `bearer.<token>` beside it instead of the Authorization header.",
        messages: Object.fromEntries(names.map((name) => [keyOf(name), inComponents(name)])),
        bindings: {
          ws: {
            method: "GET",
            query: {
              type: "object",
              properties: {
                deviceId: { type: "string", maxLength: 64 },
                platform: { type: "string", maxLength: 32 },
                ack: { type: "string", enum: ackModes }
              }
            },
            bindingVersion: "0.1.0"
          }
        }
      }
    },
    operations: Object.fromEntries([
      ...allMethods.map(methodOperation),
      ...allEvents.map(eventOperation),
      ["push-ack", { action: "receive", channel: { $ref: "#/channels/chat" }, messages: [inChannel("push.ack")] }],
      [
        "ping",
        {
          action: "receive",
          channel: { $ref: "#/channels/chat" },
          messages: [inChannel("ping")],
          reply: { channel: { $ref: "#/channels/chat" }, messages: [inChannel("ping")] }
        }
      ]
    ]),
    components: {
      messages: keyed(messages),
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } }
    }
  }
}

/** Serves the document at `/docs/asyncapi.json`. */
export const layer = HttpRouter.use((router) => {
  const document = HttpServerResponse.jsonUnsafe(asyncApi())
  return router.add("GET", "/docs/asyncapi.json", document)
})
