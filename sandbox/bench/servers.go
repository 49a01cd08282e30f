package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// newServersCommand measures the copy between two real servers.
func newServersCommand() *cobra.Command {
	s := serversBench{sourceURI: os.Getenv("VIDA_TEST_SOURCE_URI"), targetURI: os.Getenv("VIDA_TEST_TARGET_URI")}
	cmd := &cobra.Command{
		Use:   "servers",
		Short: "Copy service orders between two servers, against a loop of Find and InsertMany",
		Long: `servers generates service orders into the database vida_bench of the server at VIDA_TEST_SOURCE_URI and copies
them to that at VIDA_TEST_TARGET_URI: by vida, and by a loop of the driver's Find and InsertMany with each of the
given numbers of workers, of which the best counts. With --auto it compares workers: auto with fixed numbers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.binary, "vida", "bin/vida", "the binary to measure")
	flags.Int64Var(&s.orders, "orders", 200_000, "service orders to copy")
	flags.IntVar(&s.rounds, "rounds", 5, "rounds, of which the median counts")
	flags.StringArrayVar(&s.tunings, "tuning", []string{""}, "tuning of the copy, as in a plan: 'workers: 4'; given again, the copy is measured with each, and the first is held to the bounds")
	flags.IntSliceVar(&s.workers, "workers", []int{1, 2, 4, 8}, "numbers of workers to try")
	flags.BoolVar(&s.auto, "auto", false, "compare workers: auto with the fixed numbers instead")
	return cmd
}

type serversBench struct {
	binary               string
	sourceURI, targetURI string
	orders               int64
	rounds               int
	tunings              []string
	workers              []int
	auto                 bool

	vida           *vida
	source, target *mongo.Database
}

func (s *serversBench) run(cmd *cobra.Command) error {
	return s.generated(cmd, func() error {
		if s.auto {
			return s.compareAuto(cmd)
		}
		return s.compareLoop(cmd)
	})
}

// generated calls compare with service orders in the source.
func (s *serversBench) generated(cmd *cobra.Command, compare func() error) (err error) {
	ctx := cmd.Context()
	if s.sourceURI == "" || s.targetURI == "" {
		return errors.New("VIDA_TEST_SOURCE_URI and VIDA_TEST_TARGET_URI say between which servers to copy: scripts/documentdb.sh exec -- bin/vida-bench servers")
	}
	v, done, err := prepare(s.binary)
	if err != nil {
		return err
	}
	defer done()
	s.vida = v
	if s.source, err = connect(ctx, s.sourceURI); err != nil {
		return err
	}
	if s.target, err = connect(ctx, s.targetURI); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, s.source.Drop(ctx), s.target.Drop(ctx))
	}()
	if err := s.source.Drop(ctx); err != nil {
		return err
	}
	generate := fmt.Sprintf("{name: generate, type: generate, to: source, collection: %s, documents: %d}", collection, s.orders)
	if _, _, err := v.run(ctx, s.sourceURI, s.targetURI, "workers: 2", generate); err != nil {
		return err
	}
	return compare()
}

func connect(ctx context.Context, uri string) (*mongo.Database, error) {
	client, err := mongo.Connect(ctx, options.Client().ApplyURI(uri))
	if err != nil {
		return nil, err
	}
	return client.Database(database), nil
}

func (s *serversBench) compareLoop(cmd *cobra.Command) error {
	ctx := cmd.Context()
	loops, copies := make([][]usage, len(s.workers)), make([][]usage, len(s.tunings))
	for range s.rounds {
		for n, tuning := range s.tunings {
			used, err := s.copy(ctx, tuning)
			if err != nil {
				return err
			}
			copies[n] = append(copies[n], used)
		}
		for n, workers := range s.workers {
			used, err := s.loop(ctx, workers)
			if err != nil {
				return err
			}
			loops[n] = append(loops[n], used)
		}
	}
	best := 0
	var rows []row
	for n, list := range loops {
		if median(of(list, wall)) < median(of(loops[best], wall)) {
			best = n
		}
		rows = append(rows, figures(fmt.Sprintf("Find and InsertMany, %d workers", s.workers[n]), list)...)
	}
	for n, list := range copies {
		rows = append(rows, figures(strings.TrimSuffix("vida, "+s.tunings[n], ", "), list)...)
	}
	return writeTable(cmd.OutOrStdout(), fmt.Sprintf("server to server, %d service orders, whole process, median of %d rounds", s.orders, s.rounds), append(rows,
		row{what: "vida: memory", value: median(of(copies[0], memory)), unit: "MiB", most: 160},
		row{what: fmt.Sprintf("wall, vida to the loop of %d workers", s.workers[best]), value: median(of(copies[0], wall)) / median(of(loops[best], wall)), unit: "times", most: 0.85},
		row{what: "CPU, vida to the loop", value: median(of(copies[0], cpu)) / median(of(loops[best], cpu)), unit: "times", most: 0.5},
	))
}

// figures are what a process used.
func figures(who string, list []usage) []row {
	return []row{
		{what: who + ": wall", value: median(of(list, wall)), unit: "s"},
		{what: who + ": CPU", value: median(of(list, cpu)), unit: "s"},
		{what: who + ": CPU with the servers'", value: median(of(list, busy)), unit: "s"},
		{what: who + ": memory", value: median(of(list, memory)), unit: "MiB"},
	}
}

func (s *serversBench) compareAuto(cmd *cobra.Command) error {
	ctx := cmd.Context()
	var autos []usage
	fixed := make([][]usage, len(s.workers))
	for range s.rounds {
		used, err := s.copy(ctx, "workers: auto")
		if err != nil {
			return err
		}
		autos = append(autos, used)
		for n, workers := range s.workers {
			if used, err = s.copy(ctx, fmt.Sprintf("workers: %d", workers)); err != nil {
				return err
			}
			fixed[n] = append(fixed[n], used)
		}
	}
	auto := median(of(autos, wall))
	rows := []row{{what: "workers: auto", value: auto, unit: "s"}}
	best := 0.0
	for n, list := range fixed {
		seconds := median(of(list, wall))
		rows = append(rows, row{what: fmt.Sprintf("workers: %d", s.workers[n]), value: seconds, unit: "s"})
		if best == 0 || seconds < best {
			best = seconds
		}
	}
	rows = append(rows, row{what: "speed of auto to that of the best fixed number", value: best / auto, unit: "times", least: 0.9})
	return writeTable(cmd.OutOrStdout(), fmt.Sprintf("workers: auto, %d service orders, whole process, median of %d rounds", s.orders, s.rounds), rows)
}

// copy copies once by vida, into a collection that does not exist.
func (s *serversBench) copy(ctx context.Context, tuning string) (usage, error) {
	if err := s.target.Drop(ctx); err != nil {
		return usage{}, err
	}
	used, _, err := s.vida.run(ctx, s.sourceURI, s.targetURI, tuning, fmt.Sprintf(copyStep, ""))
	if err != nil {
		return used, err
	}
	return used, s.complete(ctx)
}

// loop copies once by the driver's loop.
func (s *serversBench) loop(ctx context.Context, workers int) (usage, error) {
	if err := s.target.Drop(ctx); err != nil {
		return usage{}, err
	}
	if err := s.target.CreateCollection(ctx, collection); err != nil {
		return usage{}, err
	}
	boundaries, err := s.boundaries(ctx, workers)
	if err != nil {
		return usage{}, err
	}
	used, err := measure(exec.CommandContext(ctx, s.vida.self, "loop", s.sourceURI, s.targetURI, "--boundaries", boundaries))
	if err != nil {
		return used, err
	}
	return used, s.complete(ctx)
}

func (s *serversBench) complete(ctx context.Context) error {
	there, err := s.target.Collection(collection).CountDocuments(ctx, bson.D{})
	if err == nil && there != s.orders {
		err = fmt.Errorf("%d of %d documents arrived", there, s.orders)
	}
	return err
}

// boundaries divides the source evenly, which is easy for who may read every _id.
func (s *serversBench) boundaries(ctx context.Context, parts int) (string, error) {
	cursor, err := s.source.Collection(collection).Find(ctx, bson.D{}, options.Find().
		SetSort(bson.D{{Key: "_id", Value: 1}}).SetProjection(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return "", err
	}
	var ids []struct {
		ID primitive.ObjectID `bson:"_id"`
	}
	if err := cursor.All(ctx, &ids); err != nil {
		return "", err
	}
	var at []string
	for n := 1; n < parts; n++ {
		at = append(at, ids[n*len(ids)/parts].ID.Hex())
	}
	return strings.Join(at, ","), nil
}
