/** Every suite of what is stored, against one database. */
import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { MessagePolicy } from "../../src/domain/MessagePolicy.ts"
import * as ContactsSql from "../../src/layers/ContactsSql.ts"
import * as ConversationListsSql from "../../src/layers/ConversationListsSql.ts"
import * as ConversationsSql from "../../src/layers/ConversationsSql.ts"
import * as FriendsSql from "../../src/layers/FriendsSql.ts"
import * as IdsSnowflake from "../../src/layers/IdsSnowflake.ts"
import * as MessageStoreSql from "../../src/layers/MessageStoreSql.ts"
import * as SessionsSql from "../../src/layers/SessionsSql.ts"
import type { Settings } from "../../src/layers/Settings.ts"
import * as UserRepositorySql from "../../src/layers/UserRepositorySql.ts"
import { sessionsSuite, userRepositorySuite } from "./accountsSuite.ts"
import { acquaintancesSuite } from "./acquaintancesSuite.ts"
import { contactLimitsSuite } from "./contactLimitsSuite.ts"
import { contactsSuite } from "./contactsSuite.ts"
import { conversationsSuite } from "./conversationsSuite.ts"
import { idsSuite } from "./idsSuite.ts"
import { messageStoreSuite } from "./messageStoreSuite.ts"
import { statementsSuite } from "./statementsSuite.ts"

const repositories = Layer.mergeAll(
  MessageStoreSql.layer,
  ConversationsSql.layer,
  ConversationListsSql.layer,
  UserRepositorySql.layer,
  SessionsSql.layer,
  ContactsSql.layer,
  FriendsSql.layer
).pipe(Layer.provide(IdsSnowflake.layer))

const requiringFriendship = Layer.effect(
  MessagePolicy,
  Effect.map(MessagePolicy, (policy) => ({ ...policy, requireFriendship: true }))
)

/** `database` is empty each time that it is made. */
export const storeSuites = <E>(
  name: string,
  database: Layer.Layer<SqlClient.SqlClient | Settings | MessagePolicy, E>
) => {
  const layer = repositories.pipe(Layer.provideMerge(database))
  const strict = repositories.pipe(Layer.provide(requiringFriendship), Layer.provideMerge(database))
  messageStoreSuite(name, layer)
  conversationsSuite(name, layer)
  userRepositorySuite(name, layer)
  sessionsSuite(name, layer)
  acquaintancesSuite(name, layer)
  contactsSuite(name, layer)
  contactLimitsSuite(name, layer, strict)
  statementsSuite(name, layer)
  idsSuite(name, database)
}
