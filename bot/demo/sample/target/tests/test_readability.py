import unittest

from inkwell.stats.readability import ease, sentences, syllables


class Readability(unittest.TestCase):
    def test_sentences(self) -> None:
        self.assertEqual(sentences("One. Two!  Three?"), ["One.", "Two!", "Three?"])

    def test_syllables(self) -> None:
        self.assertEqual([syllables(word) for word in ("cat", "make", "table", "hmm")], [1, 1, 2, 1])

    def test_short_words_are_easier(self) -> None:
        self.assertGreater(ease("The cat sat."), ease("Institutional considerations predominate."))

    def test_an_empty_text(self) -> None:
        self.assertEqual(ease(""), 0.0)


if __name__ == "__main__":
    unittest.main()
