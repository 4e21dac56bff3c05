/** Every suite of what is stored, against one database. */
import { Clock, Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { MessagePolicy } from "../../src/domain/messages/MessagePolicy.ts"
import type { Settings } from "../../src/layers/settings/Settings.ts"
import * as DeliveryGapsSql from "../../src/layers/sql/cluster/DeliveryGapsSql.ts"
import * as IdsSnowflake from "../../src/layers/sql/cluster/IdsSnowflake.ts"
import * as ConversationListsSql from "../../src/layers/sql/conversations/ConversationListsSql.ts"
import * as ConversationsSql from "../../src/layers/sql/conversations/ConversationsSql.ts"
import * as MessageStoreSql from "../../src/layers/sql/messages/MessageStoreSql.ts"
import * as ContactsSql from "../../src/layers/sql/people/ContactsSql.ts"
import * as FriendsSql from "../../src/layers/sql/people/FriendsSql.ts"
import * as GroupInvitationsSql from "../../src/layers/sql/people/GroupInvitationsSql.ts"
import * as GroupsSql from "../../src/layers/sql/people/GroupsSql.ts"
import * as SessionsSql from "../../src/layers/sql/people/SessionsSql.ts"
import * as UserRepositorySql from "../../src/layers/sql/people/UserRepositorySql.ts"
import { sessionsSuite, userRepositorySuite } from "./accountsSuite.ts"
import { acquaintancesSuite } from "./acquaintancesSuite.ts"
import { appendSuite } from "./appendSuite.ts"
import { changesSuite } from "./changesSuite.ts"
import { contactLimitsSuite } from "./contactLimitsSuite.ts"
import { contactsSuite } from "./contactsSuite.ts"
import { conversationListsSuite } from "./conversationListsSuite.ts"
import { conversationsSuite } from "./conversationsSuite.ts"
import { damageSuite } from "./damageSuite.ts"
import { decidedOnceSuite } from "./decidedOnceSuite.ts"
import { deliveryGapsSuite } from "./deliveryGapsSuite.ts"
import { groupLimitsSuite } from "./groupLimitsSuite.ts"
import { groupsSuite } from "./groupsSuite.ts"
import { idsSuite } from "./idsSuite.ts"
import { membershipSuite } from "./membershipSuite.ts"
import { messageStoreSuite } from "./messageStoreSuite.ts"
import { orderSuite } from "./orderSuite.ts"
import { presenceSuite } from "./presenceSuite.ts"
import { presenceTimeSuite } from "./presenceTimeSuite.ts"
import { privacySuite } from "./privacySuite.ts"
import { statementsSuite } from "./statementsSuite.ts"
import { visibilitySuite } from "./visibilitySuite.ts"
import { waysIntoGroupsSuite } from "./waysIntoGroupsSuite.ts"

const repositories = Layer.mergeAll(
  MessageStoreSql.layer,
  ConversationsSql.layer,
  ConversationListsSql.layer,
  GroupsSql.layer,
  GroupInvitationsSql.layer,
  UserRepositorySql.layer,
  SessionsSql.layer,
  ContactsSql.layer,
  FriendsSql.layer,
  DeliveryGapsSql.layer
).pipe(Layer.provide(IdsSnowflake.layer))

/** Ids are made of the time since 2025, and test clocks begin in 1970. */
const inOurTime = Layer.effectDiscard(
  Effect.flatMap(Clock.Clock, (clock) => ("setTime" in clock ? TestClock.setTime(Date.UTC(2030, 0, 1)) : Effect.void))
)

type Database<E> = Layer.Layer<SqlClient.SqlClient | Settings | MessagePolicy, E>

/** The repositories over a database, with these changes of the policy. */
const layerOver =
  <E>(database: Database<E>) =>
  (changes: Partial<MessagePolicy["Service"]> = {}) => {
    const policy = Layer.effect(
      MessagePolicy,
      Effect.map(MessagePolicy, (policy) => ({ ...policy, ...changes }))
    )
    return repositories.pipe(Layer.provide(policy), Layer.provide(inOurTime), Layer.provideMerge(database))
  }

/** Messages and conversations. `database` is empty each time that it is made, here and below. */
export const messageSuites = <E>(name: string, database: Database<E>) => {
  const layerOf = layerOver(database)
  const layer = layerOf()
  messageStoreSuite(name, layer)
  conversationsSuite(name, layer)
  appendSuite(name, layerOf)
  changesSuite(name, layer)
  conversationListsSuite(name, layer, layerOf({ requireFriendship: true }))
  decidedOnceSuite(name, layer)
  deliveryGapsSuite(name, layer)
  statementsSuite(name, layer)
  damageSuite(name, layer, database)
}

/** Users, contacts, groups and presence. */
export const peopleSuites = <E>(name: string, database: Database<E>) => {
  const layerOf = layerOver(database)
  const layer = layerOf()
  const strict = layerOf({ requireFriendship: true })
  userRepositorySuite(name, layer)
  sessionsSuite(name, layer)
  acquaintancesSuite(name, layer)
  contactsSuite(name, layer)
  contactLimitsSuite(name, layer, strict)
  privacySuite(name, layer, strict)
  groupsSuite(name, layer, strict)
  groupLimitsSuite(name, layer)
  waysIntoGroupsSuite(name, layer)
  membershipSuite(name, layer, layerOf({ groupHistory: "all" }))
  visibilitySuite(name, layer, layerOf({ groupHistory: "all" }))
  idsSuite(name, database)
  presenceSuite(name, database)
  presenceTimeSuite(name, database)
}

/** Operations at the same time. */
export const orderSuites = <E>(name: string, database: Database<E>) => {
  const layerOf = layerOver(database)
  orderSuite(name, layerOf())
  orderSuite(`${name} where messages need friendship`, layerOf({ requireFriendship: true }))
}
