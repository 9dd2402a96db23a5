module openim.test/mongod

go 1.26
