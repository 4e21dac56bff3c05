/** Every {@link MessageStore} does with batches of any drafts as the plan says (`AppendPlan.ts`). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Contacts } from "../../src/domain/contacts/Contacts.ts"
import { ConversationLists } from "../../src/domain/conversations/ConversationLists.ts"
import { Role } from "../../src/domain/groups/Group.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import { memberKey, messageKey } from "../../src/domain/messages/AppendFacts.ts"
import type { Message } from "../../src/domain/messages/Message.ts"
import type { MessagePolicy } from "../../src/domain/messages/MessagePolicy.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import { befriend } from "../support/Acquaintances.ts"
import * as Scripts from "../support/DraftScripts.ts"
import { MemoryStore } from "../support/MemoryStore.ts"
import { runsOf } from "../support/Runs.ts"
import { groupId, historyOf, idOf, requestIdOf, type StoreServices } from "../support/StoredGroups.ts"
import { insertUsers } from "../support/StoredUsers.ts"

/** A conversation in the model, as a service sees it. */
const modelled = (store: MemoryStore, conversationId: string): ReadonlyArray<Message> =>
  [...store.messages.values()].flatMap(({ message }) => {
    if (message.conversationId !== conversationId) return []
    const given = store.reactions.get(messageKey(message.conversationId, message.seq)) ?? new Map<string, string>()
    const counted = [...Map.groupBy(given.values(), (one) => one)].map(([one, all]) => [one, all.length] as const)
    const reactions = counted
      .toSorted(([one, count], [other, otherCount]) => otherCount - count || (one < other ? -1 : 1))
      .map(([reaction, count]) => ({ reaction, count, own: false }))
    return reactions.length === 0 ? message : { ...message, reactions }
  })

/** `layerOf` makes the store under this policy. */
export const appendSuite = <E>(
  name: string,
  layerOf: (changes: Partial<MessagePolicy["Service"]>) => Layer.Layer<StoreServices, E>
) =>
  describe(`batches of drafts on ${name}`, () => {
    it.effect.prop(
      "come to what the plan says, whatever is in a batch, and whatever was there before",
      [Scripts.Script],
      ([script]) =>
        Effect.gen(function* () {
          yield* insertUsers
          const contacts = yield* Contacts
          const store = yield* MessageStore
          const groups = yield* Groups
          const lists = yield* ConversationLists
          const policy = Scripts.policyOf(script)
          const model = new MemoryStore(Scripts.users)
          for (const [one, other] of script.friends) {
            if (one === other) continue
            yield* befriend(idOf(one), idOf(other)).pipe(Effect.ignore)
            model.befriend(one, other)
          }
          const first = script.isFounded && !policy.requireFriendship ? [Scripts.founding, ...Scripts.firstWords] : []
          const { before, batch } = Scripts.draftsOfScript(script)
          yield* store.appendBatch(first)
          model.append(first, policy)
          for (const [one, other] of script.blocks) {
            if (one === other) continue
            yield* contacts.block(idOf(one), idOf(other))
            model.block(one, other)
          }
          const asked = [...new Set(script.asking)].filter(
            (userId) => model.members.get(`${groupId}/${userId}`) === undefined
          )
          for (const userId of asked) {
            const request = {
              id: requestIdOf(`5${userId}`),
              groupId,
              userId: idOf(userId),
              inviterId: idOf(userId),
              message: ""
            }
            yield* groups.addRequests([{ ...request, requestedAt: 1 }])
            model.ask(Scripts.groupId, idOf(userId))
          }
          for (const drafts of [before, batch]) {
            if (drafts.length === 0) continue
            assert.deepStrictEqual(yield* store.appendBatch(drafts), model.append(drafts, policy))
          }
          for (const id of [groupId, ...["1_2", "1_10", "2_10", "1_1", "2_2", "10_10"]]) {
            const expected = modelled(model, id)
            if (expected.length > 0) assert.deepStrictEqual(yield* historyOf(id), expected)
          }
          const { members } = yield* groups.audience(groupId)
          const listed = new Map(members.map(({ userId, joinedSeq }) => [userId as string, joinedSeq]))
          for (const userId of Scripts.users) {
            const member = model.members.get(memberKey(Scripts.groupId, idOf(userId)))
            const isIn = member !== undefined && member.role !== Role.former
            assert.strictEqual(listed.get(userId), isIn ? member.joinedSeq : undefined)
            if (isIn) assert.strictEqual((yield* groups.membership(groupId, idOf(userId)))?.role, member.role)
            for (const { conversationId, readSeq } of (yield* lists.list(idOf(userId), undefined)).conversations) {
              const expected = model.positions.get(memberKey(conversationId, idOf(userId))) ?? 0
              assert.strictEqual(readSeq, expected, `read by ${userId} in ${conversationId}`)
            }
          }
          for (const userId of asked) {
            const request = yield* groups.request(requestIdOf(`5${userId}`))
            const state =
              request?.handleResult === 1 ? "pending" : `passed by ${request?.handledBy} at ${request?.handledAt}`
            assert.strictEqual(model.asked.get(memberKey(Scripts.groupId, idOf(userId))), state)
          }
        }).pipe(Effect.provide(layerOf(Scripts.policyOf(script)))),
      { arbitrary: { runs: runsOf(150) } }
    )
  })
