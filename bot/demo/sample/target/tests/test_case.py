import unittest

from inkwell.text.case import camel, snake, title


class Title(unittest.TestCase):
    def test_small_words_stay_small(self) -> None:
        self.assertEqual(title("a tale of two cities"), "A Tale of Two Cities")


class Names(unittest.TestCase):
    def test_snake(self) -> None:
        self.assertEqual(snake("HTTPServer name"), "http_server_name")

    def test_snake_of_words(self) -> None:
        self.assertEqual(snake("Two words-here"), "two_words_here")

    def test_camel(self) -> None:
        self.assertEqual(camel("http server"), "HttpServer")

    def test_nothing(self) -> None:
        self.assertEqual((snake(""), camel("")), ("", ""))


if __name__ == "__main__":
    unittest.main()
