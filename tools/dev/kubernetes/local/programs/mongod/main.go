// Runs SecantusDB behind the command line and environment of MongoDB's own image: mongod's flags, and a root user made
// on the first start from MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD or the files that the same names
// with _FILE point to.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	server = "/usr/local/bin/secantusd-rs"
	// An empty file: without one, the server looks for a configuration in places of its own.
	emptyConfig = "/etc/secantusd/empty.toml"
	// Users are made while authentication is off; this file tells that it was done.
	userMarker = "root-user"
	// While the user is made, the server listens where nobody else can reach it.
	setupHost   = "127.0.0.1"
	readyWithin = 60 * time.Second
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("mongod: ")
	dbpath := flag.String("dbpath", "/data/db", "folder of the data")
	port := flag.Int("port", 27017, "TCP port")
	bindAll := flag.Bool("bind_ip_all", false, "listen on all addresses")
	bind := flag.String("bind_ip", "127.0.0.1", "address to listen on")
	cacheGB := flag.Float64("wiredTigerCacheSizeGB", 0.25, "size of the cache")
	flag.String("replSet", "", "accepted; the server announces a replica set of its own")
	flag.String("keyFile", "", "accepted; there are no other members to authenticate")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("unexpected argument %q", flag.Arg(0))
	}
	host := *bind
	if *bindAll {
		host = "0.0.0.0"
	}
	user, password := secret("MONGO_INITDB_ROOT_USERNAME"), secret("MONGO_INITDB_ROOT_PASSWORD")
	if (user == "") != (password == "") {
		log.Fatal("MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD must be given together")
	}
	args := func(host string, more ...string) []string {
		return append([]string{
			"--config", emptyConfig,
			"--host", host,
			"--port", strconv.Itoa(*port),
			"--storage-path", filepath.Join(*dbpath, "secantus"),
			"--cache-size", fmt.Sprintf("%dM", int(*cacheGB*1024)),
			"--log-level", "WARNING",
			// Without it an acknowledged write can be lost.
			"--sync-on-commit",
		}, more...)
	}
	if user != "" {
		if err := ensureRootUser(filepath.Join(*dbpath, userMarker), args(setupHost), *port, user, password); err != nil {
			log.Fatal(err)
		}
		run(args(host, "--auth"))
	}
	run(args(host))
}

// run becomes the server, which then gets every signal itself.
func run(args []string) {
	err := syscall.Exec(server, append([]string{server}, args...), os.Environ())
	log.Fatalf("cannot run %s: %v", server, err)
}

func secret(name string) string {
	path := os.Getenv(name + "_FILE")
	if path == "" {
		return os.Getenv(name)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		log.Fatalf("%s_FILE: %v", name, err)
	}
	return strings.TrimRight(string(content), "\r\n")
}

// ensureRootUser runs the server without authentication as long as it takes to make the user.
func ensureRootUser(marker string, args []string, port int, user, password string) error {
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	child := exec.Command(server, args...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	made := make(chan error, 1)
	go func() {
		made <- createRootUser(fmt.Sprintf("%s:%d", setupHost, port), user, password, time.Now().Add(readyWithin))
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("the server ended before the root user was made: %v", err)
	case <-signals:
		stop(child, ended)
		os.Exit(0)
	case err := <-made:
		stop(child, ended)
		if err != nil {
			return err
		}
	}
	signal.Reset()
	return writeDurably(marker, user+"\n")
}

// stop waits for the end: the files may be opened again only after it.
func stop(child *exec.Cmd, ended <-chan error) {
	if err := child.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		log.Printf("cannot stop the server: %v", err)
	}
	<-ended
}

func createRootUser(address, user, password string, deadline time.Time) error {
	var last error
	for time.Now().Before(deadline) {
		_, last = command(address, document{{"hello", 1}})
		if last == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if last != nil {
		return fmt.Errorf("the server was not ready: %w", last)
	}
	_, err := command(address, document{
		{"createUser", user},
		{"pwd", password},
		{"roles", document{{"0", document{{"role", "root"}, {"db", "admin"}}}}.asList()},
	})
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "already exists") {
		return nil
	}
	return err
}

func writeDurably(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err = file.WriteString(text); err != nil {
		return err
	}
	return file.Sync()
}
