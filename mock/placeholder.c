typedef int gh_mock_is_empty;
