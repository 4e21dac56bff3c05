/** Every draft gets the verdict that the protocol's rules give it, and leaves what they say (`src/domain/messages/AppendPlan.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Role } from "../../src/domain/groups/Group.ts"
import { messageKey } from "../../src/domain/messages/AppendFacts.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import type { AppendResult } from "../../src/domain/messages/MessageStore.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import {
  draftsOfScript,
  firstWords,
  founding,
  groupId,
  invitation,
  policyOf,
  Script,
  users
} from "../support/DraftScripts.ts"
import { MemoryStore } from "../support/MemoryStore.ts"
import { occurrences } from "../support/Occurrences.ts"
import { RulesOracle, type Verdict } from "../support/RulesOracle.ts"

const verdictOf = (result: AppendResult): Verdict =>
  result._tag === "Rejected"
    ? result.error._tag
    : `${result._tag === "Stored" ? "stored" : "again"} ${result.message.seq}`

/** The same state, once for the plans and once for the oracle. */
const startOf = (script: typeof Script.Type) => {
  const policy = policyOf(script)
  const store = new MemoryStore(users)
  const oracle = new RulesOracle(users, policy)
  if (script.isFounded) {
    // Before there are blocks, and before messages need friendship.
    const open = { ...policy, requireFriendship: false }
    const beginning = new RulesOracle(users, open)
    const first = [founding, ...firstWords]
    assert.deepStrictEqual(
      store.append(first, open).map(verdictOf),
      first.map((draft) => beginning.decide(draft))
    )
    for (const [id, conversation] of beginning.conversations) oracle.conversations.set(id, conversation)
    const crowd = Array.from({ length: script.crowd }, (_, index) => [`${50 + index}` as UserId, `r${index}`] as const)
    store.reactions.set(messageKey(groupId, 2), new Map(crowd))
    const words = oracle.conversations.get(groupId)?.messages[1]
    for (const [userId, reaction] of crowd) words?.reactions.set(userId, reaction)
  }
  const { id, ...facts } = invitation
  store.invitations.set(id, facts)
  oracle.invitation = { ...invitation }
  for (const userId of script.shut) {
    store.shut.add(userId)
    oracle.shut.add(userId)
  }
  for (const [one, other] of script.friends) {
    store.befriend(one, other)
    oracle.friends.add(`${one} ${other}`).add(`${other} ${one}`)
  }
  for (const [one, other] of script.blocks) {
    if (one === other) continue
    store.block(one, other)
    oracle.blocks.add(`${one} ${other}`).add(`${other} ${one}`)
  }
  for (const userId of script.asking) {
    store.ask(groupId, userId as UserId)
    oracle.asking.add(userId)
  }
  return { policy, store, oracle, ...draftsOfScript(script) }
}

/** Messages and members are the same here and there. */
const assertSame = (store: MemoryStore, { conversations }: RulesOracle) => {
  const stored = [...conversations.values()].reduce((count, { messages }) => count + messages.length, 0)
  assert.strictEqual(store.messages.size, stored)
  for (const [id, { messages, members }] of conversations) {
    for (const { seq, at, content, recalled, edited, reactions } of messages) {
      const key = messageKey(id as ConversationId, seq)
      const message = store.messages.get(key)?.message
      assert.deepStrictEqual(
        [message?.content, message?.recalled === true, message?.edited === true, message?.sendTime],
        [content, recalled, edited, at]
      )
      assert.deepStrictEqual(new Map<string, string>(store.reactions.get(key)), reactions)
    }
    for (const userId of users) {
      const { role, joinedSeq } = store.members.get(`${id}/${userId}`) ?? { role: Role.former, joinedSeq: 0 }
      assert.deepStrictEqual(role === Role.former ? undefined : { role, joinedSeq }, members.get(userId))
    }
  }
}

describe("the plan for a batch", () => {
  const seen = occurrences("verdicts", {
    stored: 1_500,
    again: 1_000,
    Conflict: 1_500,
    Forbidden: 1_000,
    NoConversation: 2_000,
    NoMessage: 2_000,
    NoReceiver: 100,
    NoRequest: 20,
    NotFriends: 250,
    NotMember: 150,
    Blocked: 150,
    TooLate: 100,
    UserNotFound: 50,
    "an approval is stored": 8,
    BadInvitation: 20,
    "a join by invitation is stored": 20,
    "an event is stored without users who decide": 5,
    "a recall is stored": 100,
    "an edit is stored": 30,
    "a reaction is stored": 150
  })

  it.effect.prop(
    "gives each draft the verdict of the rules, and leaves the messages and members that they leave",
    [Script],
    ([script]) =>
      Effect.sync(() => {
        const { policy, store, oracle, before, batch } = startOf(script)
        for (const drafts of [before, batch]) {
          const expected = drafts.map((draft) => oracle.decide(draft))
          assert.deepStrictEqual(store.append(drafts, policy).map(verdictOf), expected)
          seen.run()
          for (const [index, { messageType, content }] of drafts.entries()) {
            const verdict = expected[index]?.split(" ")[0]
            seen.saw(verdict as "stored")
            const isStored = verdict === "stored"
            seen.saw("a recall is stored", isStored && messageType === MessageType.recall)
            seen.saw("an edit is stored", isStored && messageType === MessageType.edit)
            seen.saw("a reaction is stored", isStored && messageType === MessageType.reaction)
            const words = [...store.messages.values()].findLast(
              ({ message }) => message.clientId === drafts[index]?.clientId
            )
            seen.saw(
              "an event is stored without users who decide",
              isStored && words?.message.content !== content && messageType === MessageType.system
            )
            seen.saw("a join by invitation is stored", isStored && content.includes('"invitation"'))
            seen.saw("an approval is stored", isStored && content.includes('"asked":true'))
          }
        }
        assertSame(store, oracle)
      }),
    { arbitrary: { runs: 2_000 } }
  )
  seen.check()
})
