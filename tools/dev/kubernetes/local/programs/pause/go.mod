module openim.test/pause

go 1.26
