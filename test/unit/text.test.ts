/** Texts that people read, and passwords (protocol.md section 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Password } from "../../src/domain/accounts/User.ts"
import { foldedName, isPresentable, NameInput, opaqueString, reactionOf } from "../../src/domain/shared/Text.ts"

const decode = Schema.decodeUnknownResult(NameInput(8))
const named = (text: string) => Result.getOrElse(decode(text), () => "refused")

describe("a name", () => {
  it("is kept in one spelling, without spaces at its ends", () => {
    assert.strictEqual(named("  Zoe\u0308 "), "Zoë")
    assert.strictEqual(named("李小龙"), "李小龙")
    assert.strictEqual(named("👩‍👩‍👧"), "👩‍👩‍👧")
    // A mark of direction of its own letter, and the joiner that Persian needs.
    assert.strictEqual(named("נ\u200Fa"), "נ\u200Fa")
    assert.strictEqual(named("می\u200Cخو"), "می\u200Cخو")
  })

  it("shows something, holds no controls, and turns no text around it", () => {
    const invisible = ["", "   ", "\u200B\u200D", "\u3164", "\u2800", "\u0301", "\uFEFF", "\u115F\u1160"]
    const unruly = ["a\nb", "a\u0000", "a\u202Eb", "\u2066a", "a\u2028b", "\u009Fa"]
    for (const text of [...invisible, ...unruly, "\ud800", "123456789"]) {
      assert.strictEqual(named(text), "refused", JSON.stringify(text))
    }
    assert.isTrue(isPresentable("a"))
    assert.isFalse(isPresentable("\u200B"))
  })

  it("is found whatever its case in Turkish, Greek and German", () => {
    for (const alike of [
      ["İZMİR", "izmir", "IZMIR", "ızmır"],
      ["ΣΊΣΥΦΟΣ", "Σίσυφος", "σίσυφοσ"],
      ["STRASSE", "Straße", "straẞe", "strasse"],
      ["Ａｎｎ", "ann", "ANN"]
    ]) {
      assert.strictEqual(new Set(alike.map(foldedName)).size, 1, alike.join(" "))
    }
    assert.notStrictEqual(foldedName("Zoe"), foldedName("Zoë"))
  })
})

describe("a reaction", () => {
  it("is one for all that look the same", () => {
    assert.strictEqual(reactionOf("❤\uFE0F"), reactionOf("❤"))
    assert.strictEqual(reactionOf("e\u0301"), "é")
    assert.strictEqual(reactionOf("👩‍❤️‍👩"), "👩‍❤‍👩")
  })
})

describe("a password", () => {
  it("is the same however a keyboard composes it", () => {
    assert.strictEqual(opaqueString("pa\u0308sswo\u0308rd"), opaqueString("pässwörd"))
    assert.strictEqual(opaqueString("a\u00A0b\u3000c"), "a b c")
    assert.notStrictEqual(opaqueString("Password"), opaqueString("password"))
    // Compatible characters stay apart: NFKC would make a weaker password.
    assert.notStrictEqual(opaqueString("①"), opaqueString("1"))
  })

  it("has no half surrogates and no controls", () => {
    const isPassword = Schema.is(Password)
    assert.isTrue(isPassword("correct horse 🐎"))
    for (const text of ["12345678\ud83d", "1234567\u00008", "tab\tulator"]) assert.isFalse(isPassword(text))
  })
})
