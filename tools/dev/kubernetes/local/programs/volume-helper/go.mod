module openim.test/volume-helper

go 1.26
