/** The whole HTTP API: the server, its OpenAPI page and typed clients derive from it. */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { openApiDocument } from "../shared/OpenApiDocument.ts"
import { AccountGroup, UserGroup } from "./AccountApi.ts"
import { SocialGroup } from "./ContactApi.ts"
import { ImGroup } from "./ConversationApi.ts"
import { about, failuresOf } from "./Envelope.ts"
import { GroupGroup } from "./GroupApi.ts"

/** Liveness: the process answers. Readiness: each dependency, by name, answers too. */
export class HealthGroup extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("live", "/live", { success: Schema.Struct({ status: Schema.Literal("ok") }) }).annotateMerge(
      about("The process answers", "For liveness probes: it looks at nothing else.")
    ),
    HttpApiEndpoint.get("ready", "/ready", {
      success: Schema.Struct({
        status: Schema.Literal("ok"),
        store: Schema.Literal("ok"),
        transfer: Schema.Literal("ok")
      }),
      error: failuresOf("Overloaded")
    }).annotateMerge(
      about(
        "The process and its dependencies answer",
        "For readiness probes: 503 while the store or the transfer does not answer, and while the process drains."
      )
    )
  )
  .prefix("/health")
  .annotateMerge(OpenApi.annotations({ title: "Health", description: "For monitoring" })) {}

/** The API of the internal listener, for monitoring. */
export class InternalApi extends HttpApi.make("fiberchat-internal")
  .add(HealthGroup)
  .annotateMerge(OpenApi.annotations({ title: "Fiberchat, internal" })) {}

export class Api extends HttpApi.make("fiberchat")
  .add(AccountGroup)
  .add(UserGroup)
  .add(ImGroup)
  .add(SocialGroup)
  .add(GroupGroup)
  .add(HealthGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "Fiberchat",
      version: "0.1.0",
      license: { name: "MIT", identifier: "MIT" },
      servers: [{ url: "/" }],
      description: "Accounts, conversations, contacts and groups. The chat itself runs on /ws.",
      transform: (document) => openApiDocument(document) as typeof document
    })
  ) {}
