import unittest

from inkwell.version import VERSION, banner


class Version(unittest.TestCase):
    def test_banner_names_the_version(self) -> None:
        self.assertEqual(banner(), f"inkwell {VERSION}")


if __name__ == "__main__":
    unittest.main()
