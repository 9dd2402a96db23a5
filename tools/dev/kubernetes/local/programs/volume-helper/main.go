// Makes and removes the folder of a volume for local-path-provisioner, which calls it as
// -p <folder> -s <bytes> -m <volume mode> -a create|delete.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
)

func main() {
	path := flag.String("p", "", "folder of the volume")
	flag.String("s", "", "size in bytes, which a folder cannot limit")
	flag.String("m", "", "volume mode")
	action := flag.String("a", "", "create or delete")
	flag.Parse()
	if !filepath.IsAbs(*path) || filepath.Dir(filepath.Clean(*path)) == "/" {
		log.Fatalf("refusing to work on %q", *path)
	}
	var err error
	switch *action {
	case "create":
		// Pods of any user write here; the mode given to MkdirAll passes the umask.
		if err = os.MkdirAll(*path, 0o777); err == nil {
			err = os.Chmod(*path, 0o777)
		}
	case "delete":
		err = os.RemoveAll(*path)
	default:
		log.Fatalf("unknown action %q", *action)
	}
	if err != nil {
		log.Fatal(err)
	}
}
