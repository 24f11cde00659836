"""GitHub's GraphQL: its schema in `schema.graphql`, a class for each type, mutations that call the services of REST."""
