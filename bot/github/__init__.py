"""GitHub as the bot sees it: small values, one quota, tokens that are minted once. The only importer of PyGithub."""
