/** The contract of every {@link MessageStore} for group events and changes (protocol.md section 1.6). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Role } from "../../src/domain/groups/Group.ts"
import { Groups } from "../../src/domain/groups/Groups.ts"
import { reactionsMax } from "../../src/domain/messages/ChangeRules.ts"
import type { Draft } from "../../src/domain/messages/Draft.ts"
import { type Message, MessageType } from "../../src/domain/messages/Message.ts"
import { MessageStore } from "../../src/domain/messages/MessageStore.ts"
import type { GroupId } from "../../src/domain/shared/Ids.ts"
import { conversationOf, draft } from "../support/Drafts.ts"
import {
  append,
  created,
  eventDraft,
  groupId,
  historyOf,
  idOf,
  insertRows,
  joined,
  left,
  type StoreServices,
  wordsDraft
} from "../support/StoredGroups.ts"
import { insertUsers } from "../support/StoredUsers.ts"

const { recall, edit, reaction } = MessageType
const toRecall = (sender: string, targetSeq: number) => wordsDraft(sender, "", { messageType: recall, targetSeq })
const toEdit = (sender: string, targetSeq: number, content: string) =>
  wordsDraft(sender, content, { messageType: edit, targetSeq })
const toReact = (sender: string, targetSeq: number, content: string) =>
  wordsDraft(sender, content, { messageType: reaction, targetSeq })

/** Messages in short: what each says, and what became of it. */
const briefly = (messages: ReadonlyArray<Message>) =>
  messages.map(({ seq, content, recalled, edited, reactions = [] }) =>
    [
      `${seq} ${content}`,
      ...(recalled ? ["recalled"] : []),
      ...(edited ? ["edited"] : []),
      ...reactions.map(({ reaction, count, own }) => `${count} ${reaction}${own ? " own" : ""}`)
    ].join(", ")
  )

export const changesSuite = <E>(name: string, layer: Layer.Layer<StoreServices, E>) =>
  describe(`events and changes on ${name}`, () => {
    it.effect("take everything that may happen to a group in one batch, in its order", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const results = yield* append(
          wordsDraft("1", "too early"),
          eventDraft("1", created(["2"])),
          wordsDraft("2", "first"),
          toReact("1", 2, "👍"),
          eventDraft("2", joined("10")),
          toEdit("10", 2, "not mine"),
          toEdit("2", 2, "second"),
          toReact("10", 2, "🎉"),
          eventDraft("1", { event: "role", userId: idOf("10"), role: 2 }),
          toRecall("10", 2),
          toReact("10", 2, "🎉"),
          eventDraft("10", left),
          wordsDraft("10", "too late")
        )
        assert.deepStrictEqual(results, [
          "NoConversation",
          "Stored 1",
          "Stored 2",
          "Stored 3",
          "Stored 4",
          // From before they joined.
          "NoMessage",
          "Stored 5",
          "NoMessage",
          "Stored 6",
          "NoMessage",
          "NoMessage",
          "Stored 7",
          "NoConversation"
        ])
        const messages = briefly(yield* historyOf(groupId, "1"))
        assert.deepStrictEqual(
          [messages[1], messages[2], messages[4]],
          ["2 second, edited, 1 👍 own", "3 👍", "5 second"]
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect("are answered with the first message when they come again, whatever has become of it", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const words = wordsDraft("2", "first")
        const editing = toEdit("2", 2, "second")
        const reacting = toReact("1", 2, "👍")
        const founding = eventDraft("1", created(["2"]))
        const all = [founding, words, editing, reacting]
        yield* append(...all)
        const again = ["Duplicate 1", "Duplicate 2", "Duplicate 3", "Duplicate 4"]
        assert.deepStrictEqual(yield* append(...all), again)
        yield* append(toEdit("2", 2, "third"))
        assert.deepStrictEqual(yield* append(...all), again)
        const recalling = toRecall("2", 2)
        assert.deepStrictEqual(yield* append(recalling, ...all, recalling), ["Stored 6", ...again, "Duplicate 6"])
        const store = yield* MessageStore
        const repeated = yield* store.appendBatch([words, editing, reacting])
        assert.deepStrictEqual(
          repeated.map((result) => (result._tag === "Duplicate" ? result.message.content : result)),
          ["", "", "👍"]
        )
        // The id of one of them names nothing else, be it what it says now.
        assert.deepStrictEqual(
          yield* append(
            { ...words, content: "third" },
            { ...words, content: "" },
            { ...editing, content: "third" },
            { ...editing, targetSeq: 1 } as Draft,
            { ...reacting, content: "👎" },
            { ...reacting, messageType: recall, content: "" } as Draft,
            { ...recalling, targetSeq: 3 } as Draft
          ),
          Array.from({ length: 7 }, () => "Conflict")
        )
        // A founding comes again under another group's id.
        const elsewhere = { conversationId: "300" as Message["conversationId"], receiveId: "300" as GroupId }
        assert.deepStrictEqual(
          yield* append({ ...founding, ...elsewhere } as Draft, { ...words, ...elsewhere } as Draft),
          ["Duplicate 1", "Conflict"]
        )
        assert.strictEqual((yield* historyOf()).length, 6)
      }).pipe(Effect.provide(layer))
    )

    it.effect("leave nothing of what a recalled message ever said, nor of what was said to it", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* append(eventDraft("1", created(["2"])), wordsDraft("2", "one"), wordsDraft("2", "other"))
        yield* append(toEdit("2", 2, "two"), toReact("1", 2, "👍"), toEdit("2", 3, "another"), toReact("1", 3, "👎"))
        yield* append(toEdit("2", 2, "three"))
        yield* append(toEdit("2", 2, "four"), toRecall("1", 2))
        for (const reader of ["1", "2", undefined]) {
          assert.deepStrictEqual(briefly(yield* historyOf(groupId, reader)).slice(1), [
            "2 , recalled, edited",
            `3 another, edited, 1 👎${reader === "1" ? " own" : ""}`,
            "4 ",
            "5 👍",
            "6 another",
            "7 👎",
            "8 ",
            "9 ",
            "10 "
          ])
        }
        assert.deepStrictEqual(yield* append(toEdit("2", 2, "x"), toReact("2", 2, "x"), toRecall("2", 2)), [
          "Conflict",
          "Conflict",
          "Conflict"
        ])
      }).pipe(Effect.provide(layer))
    )

    it.effect("recall what those of lower rank have written, and who has left, but nobody of one's own rank", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const given = (userId: string) => eventDraft("1", { event: "role", userId: idOf(userId), role: 2 })
        yield* append(
          eventDraft("1", created(["2", "10"])),
          wordsDraft("1", "of the owner"),
          wordsDraft("10", "of the other"),
          given("2"),
          given("10")
        )
        assert.deepStrictEqual(yield* append(toRecall("2", 2), toRecall("2", 3)), ["Forbidden", "Forbidden"])
        yield* append(eventDraft("10", left))
        assert.deepStrictEqual(yield* append(toRecall("2", 3), toRecall("1", 2)), ["Stored 7", "Stored 8"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("count one reaction of each user, and take no more than twenty different ones", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* append(eventDraft("1", created(["2", "10"])), wordsDraft("1", "words"))
        const place = { conversation_id: groupId, seq: 2 }
        const others = Array.from({ length: reactionsMax - 1 }, (_, index) => `r${String(index).padStart(2, "0")}`)
        yield* append(toReact("1", 2, "mine"))
        yield* insertRows(
          "reactions",
          others.map((reaction, index) => ({ ...place, user_id: String(1_000_000 + index), reaction }))
        )
        assert.deepStrictEqual(
          yield* append(toReact("2", 2, "new"), toReact("2", 2, "r03"), toReact("1", 2, ""), toReact("2", 2, "new")),
          ["Conflict", "Stored 4", "Stored 5", "Stored 6"]
        )
        assert.deepStrictEqual(yield* append(toReact("10", 2, "r05"), toReact("10", 2, "one more")), [
          "Stored 7",
          "Conflict"
        ])
        const [message] = (yield* historyOf(groupId, "10")).slice(1)
        const once = { count: 1, own: false }
        assert.deepStrictEqual(message?.reactions, [
          { reaction: "r05", count: 2, own: true },
          ...["new", ...others.filter((one) => one !== "r05")].map((reaction) => ({ reaction, ...once }))
        ])
      }).pipe(Effect.provide(layer))
    )

    it.effect("keep their numbers and their rules when many processes store them at the same time", () =>
      Effect.gen(function* () {
        yield* insertUsers
        yield* append(eventDraft("1", created(["2"])), wordsDraft("2", "words"))
        const batches = Array.from({ length: 12 }, (_, index) => [
          wordsDraft("1", `of 1 ${index}`),
          toEdit("2", 2, `edit ${index}`),
          toReact(index % 2 === 0 ? "1" : "2", 2, `r${index}`),
          eventDraft("1", index % 2 === 0 ? joined("10") : { event: "removed", userIds: [idOf("10")] }),
          ...(index === 7 ? [toRecall("2", 2)] : []),
          draft("1", "2", `private ${index}`)
        ])
        yield* Effect.all(
          batches.map((drafts) => append(...drafts)),
          { concurrency: "unbounded" }
        )
        const messages = yield* historyOf()
        assert.deepStrictEqual(
          messages.map(({ seq }) => seq),
          messages.map((_, index) => index + 1)
        )
        assert.strictEqual((yield* historyOf(conversationOf("1", "2"))).length, 12)
        assert.deepInclude(messages[1] as object, { content: "", recalled: true })
        assert.isUndefined(messages[1]?.reactions)
        assert.isTrue(messages.every(({ messageType, content }) => messageType !== edit || content === ""))
        // A user who was let in was outside, and a removed one inside.
        const crossings = messages.flatMap(({ messageType, content }) =>
          messageType === MessageType.system ? [JSON.parse(content).event as string] : []
        )
        assert.deepStrictEqual(
          crossings,
          crossings.map((_, index) => (index === 0 ? "created" : index % 2 === 1 ? "joined" : "removed"))
        )
        const groups = yield* Groups
        const isIn = (yield* groups.membership(groupId, idOf("10")))?.role === Role.member
        assert.strictEqual(isIn, crossings.at(-1) === "joined")
      }).pipe(Effect.provide(layer))
    )

    it.effect("are stored once when two processes store the same batch at the same time", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const batch = [
          eventDraft("1", created(["2"])),
          wordsDraft("2", "words"),
          toEdit("2", 2, "other"),
          toReact("1", 2, "👍"),
          toRecall("2", 2)
        ]
        const results = yield* Effect.all([append(...batch), append(...batch)], { concurrency: "unbounded" })
        assert.sameDeepMembers(results, [
          ["Stored 1", "Stored 2", "Stored 3", "Stored 4", "Stored 5"],
          ["Duplicate 1", "Duplicate 2", "Duplicate 3", "Duplicate 4", "Duplicate 5"]
        ])
        assert.deepStrictEqual(briefly((yield* historyOf()).slice(1)), ["2 , recalled, edited", "3 ", "4 👍", "5 "])
      }).pipe(Effect.provide(layer))
    )
  })
