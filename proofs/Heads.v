(* Family MH: bundles of heads.  Every KV head may carry its own gauge, heads may
   not be mixed, and what sharing one gauge costs. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct TopK KeyOnly Rope.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section MultiHead.
Variables (F : fieldType) (N D d dv H G : nat).
(* grp assigns query heads to KV heads; Theta is the position operator of a
   token; sm n turns the scores of token n into weights (softmax, temperature and
   causal mask included: any function will do). *)
Variables (grp : 'I_H -> 'I_G) (Theta : 'I_N -> 'M[F]_d).
Variable sm : 'I_N -> ('I_N -> F) -> 'I_N -> F.
Hypothesis sm_ext : forall n f f', f =1 f' -> sm n f =1 sm n f'.
Implicit Types (x : 'I_N -> 'cV[F]_D).

(* post_q, post_k act after RoPE; the identity in a plain layer. *)
Definition mha (WQ : 'I_H -> 'M[F]_(d, D)) (WK : 'I_G -> 'M[F]_(d, D))
    (WV : 'I_G -> 'M[F]_(dv, D)) (WO : 'I_H -> 'M[F]_(D, dv))
    (post_q post_k : 'I_G -> 'M[F]_d) x n : 'cV[F]_D :=
  let score h i :=
    ((post_q (grp h) *m (Theta n *m (WQ h *m x n)))^T *m
     (post_k (grp h) *m (Theta i *m (WK (grp h) *m x i)))) 0 0 in
  \sum_h WO h *m \sum_i sm n (score h) i *: (WV (grp h) *m x i).

Variables (WQ : 'I_H -> 'M[F]_(d, D)) (WK : 'I_G -> 'M[F]_(d, D)).
Variables (WV : 'I_G -> 'M[F]_(dv, D)) (WO : 'I_H -> 'M[F]_(D, dv)).
Variables (A B : 'I_G -> 'M[F]_d) (S Si : 'I_G -> 'M[F]_dv).
Hypothesis AB : forall g, (A g)^T *m B g = 1%:M.
Hypothesis SiS : forall g, Si g *m S g = 1%:M.

Let one_gauge : 'I_G -> 'M[F]_d := fun=> 1%:M.

Lemma mha_gauge WQ' WK' pq pk x n :
  (forall h i, ((pq (grp h) *m (Theta n *m (WQ' h *m x n)))^T *m
     (pk (grp h) *m (Theta i *m (WK' (grp h) *m x i)))) =
   (Theta n *m (WQ h *m x n))^T *m (Theta i *m (WK (grp h) *m x i))) ->
  mha WQ' WK' (fun g => S g *m WV g) (fun h => WO h *m Si (grp h)) pq pk x n =
  mha WQ WK WV WO one_gauge one_gauge x n.
Proof.
move=> hs; apply: eq_bigr => h _; rewrite -mulmxA; congr (_ *m _).
rewrite mulmx_sumr; apply: eq_bigr => i _.
rewrite -scalemxAr -(mulmxA (S _)) (mulmxA (Si _)) SiS mul1mx; congr (_ *: _).
by apply: sm_ext => j; rewrite /one_gauge !mul1mx hs.
Qed.

(* MH-1. (a) One gauge per KV head applied after RoPE to Q and K (queries of the
   group use the group's gauge), and one per KV head on the values, undone in
   W_O, leave the multi-head output unchanged. *)
Theorem MH_1_a_bundle_after_rope x n :
  mha WQ WK (fun g => S g *m WV g) (fun h => WO h *m Si (grp h)) A B x n =
  mha WQ WK WV WO one_gauge one_gauge x n.
Proof.
apply: mha_gauge => h i.
by rewrite trmx_mul -mulmxA (mulmxA _ (B _)) AB mul1mx.
Qed.

(* MH-1. (b) Folded into the weights before RoPE this needs RC-4: the key gauges
   commute with the position operators (which are orthogonal). *)
Theorem MH_1_b_bundle_folded x n :
  (forall i, (Theta i)^T *m Theta i = 1%:M) ->
  (forall g i, B g *m Theta i = Theta i *m B g) ->
  mha (fun h => A (grp h) *m WQ h) (fun g => B g *m WK g)
      (fun g => S g *m WV g) (fun h => WO h *m Si (grp h)) one_gauge one_gauge x n =
  mha WQ WK WV WO one_gauge one_gauge x n.
Proof.
move=> orth com; apply: mha_gauge => h i; rewrite /one_gauge !mul1mx.
have comT : (Theta n)^T *m B (grp h) = B (grp h) *m (Theta n)^T.
  have e := mulmx1C (orth n).
  rewrite -[LHS]mulmx1 -e -mulmxA (mulmxA (B _)) com -(mulmxA (Theta n)) mulmxA.
  by rewrite orth mul1mx.
rewrite -!mulmxA (mulmxA (Theta i)) -com !trmx_mul -!mulmxA; congr (_ *m (_ *m _)).
rewrite (mulmxA (Theta n)^T (B _)) comT -(mulmxA (B _)) (mulmxA (A _)^T) AB mul1mx.
by rewrite !mulmxA.
Qed.

(* MH-1. (c) Hence the residual x + MHA(x) and every function of it downstream
   are unchanged too. *)
Theorem MH_1_c_residual_and_downstream (T : Type) (f : ('I_N -> 'cV[F]_D) -> T) x
    (out out' : 'I_N -> 'cV[F]_D) :
  (forall u v, u =1 v -> f u = f v) -> out =1 out' ->
  f (fun n => x n + out n) = f (fun n => x n + out' n).
Proof. by move=> fext e; apply: fext => n; rewrite e. Qed.

End MultiHead.

(* Scores of one head of a concatenated vector; hd assigns coordinates to heads. *)
Section CrossHead.
Variables (F : fieldType) (n H : nat) (hd : 'I_n -> 'I_H).
Implicit Types (q k : 'cV[F]_n) (O : 'M[F]_n).

Definition head_score h q k : F := \sum_(i | hd i == h) q i 0 * k i 0.
Definition head_proj h : 'M[F]_n := diag_mx (\row_i (hd i == h)%:R).

Lemma head_scoreE h q k : head_score h q k = (q^T *m head_proj h *m k) 0 0.
Proof.
rewrite /head_score big_mkcond mxE; apply: eq_bigr => i _.
rewrite mul_mx_diag !mxE; case: (hd i == h); rewrite ?mulr1 //.
by rewrite mulr0 mul0r.
Qed.

(* MH-2. (a) A rotation R of the concatenated vector preserves all per-head
   scores, up to a relabelling pi of the heads, exactly when it maps each head's
   coordinates into those of one head: R is block-permutation-diagonal. *)
Theorem MH_2_a_no_rotation_across_heads O (pi : 'I_H -> 'I_H) : injective pi ->
  O^T *m O = 1%:M ->
  (forall h q k, head_score (pi h) (O *m q) (O *m k) = head_score h q k) <->
  (forall i j, hd i != pi (hd j) -> O i j = 0).
Proof.
move=> pinj orth; have orth' := mulmx1C orth.
have step h : (forall q k, head_score (pi h) (O *m q) (O *m k) = head_score h q k) <->
    head_proj (pi h) *m O = O *m head_proj h.
  split=> [hs|e q k].
    have : O^T *m head_proj (pi h) *m O = head_proj h.
      apply: bilinear_eq => q k; apply/matrixP => a b; rewrite !ord1 -head_scoreE -hs.
      by rewrite head_scoreE trmx_mul !mulmxA.
    by move=> <-; rewrite !mulmxA orth' mul1mx.
  by rewrite !head_scoreE trmx_mul -!mulmxA (mulmxA _ O) e !mulmxA -(mulmxA _ O^T) orth mulmx1.
split=> [hs i j ne|h0 h].
  have /step/matrixP/(_ i j) := hs (hd j).
  by rewrite mul_diag_mx mul_mx_diag !mxE (negPf ne) eqxx mul0r mulr1.
apply/step/matrixP => i j; rewrite mul_diag_mx mul_mx_diag !mxE.
have [e|ne] := eqVneq (hd i) (pi (hd j)).
  by rewrite e (inj_eq pinj) mulrC.
by rewrite h0 // mulr0 mul0r.
Qed.

End CrossHead.

(* MH-2. (b) Example: two heads of width one, q = e1, k = e2, rotation by 45
   degrees: the head scores (0,0) become (-1/2, 1/2). *)
Theorem MH_2_b_example (R : rcfType) :
  let r := (Num.sqrt 2%:R)^-1 : R in
  let O := rot r r in
  let q : 'cV[R]_2 := delta_mx 0 0 in let k : 'cV[R]_2 := delta_mx 1 0 in
  let score := head_score (@id 'I_2) in
  [/\ O^T *m O = 1%:M, score 0 q k = 0, score 1 q k = 0,
      score 0 (O *m q) (O *m k) = - 2%:R^-1 & score 1 (O *m q) (O *m k) = 2%:R^-1].
Proof.
move=> r O q k score.
have r2 : r * r = 2%:R^-1 by rewrite -expr2 exprVn sqr_sqrtr // ler0n.
have half : 2%:R^-1 + 2%:R^-1 = 1 :> R by rewrite [RHS](splitr 1) !mul1r.
have sc h u v : score h u v = u h 0 * v h 0.
  by rewrite /score /head_score (big_pred1 h).
split; rewrite ?sc.
- apply/matrixP => i j; rewrite mxE big_ord_recl big_ord1 !mxE.
  by case: i => [[|[|//]] hi]; case: j => [[|[|//]] hj]; rewrite /= ?mulr1 ?mulr0 ?addr0 ?add0r
     ?mulrN1 ?mulrNN ?r2 ?half // ?mulNr ?mulrN ?r2 ?addrN ?addNr.
- by rewrite !mxE mulr0.
- by rewrite !mxE mul0r.
- rewrite -!colE !mxE /= ?mulr1n ?mulr0n !(mulr1, mulr0, addr0, add0r).
  by rewrite mulrN1 mulrN r2.
- rewrite -!colE !mxE /= ?mulr1n ?mulr0n !(mulr1, mulr0, addr0, add0r).
  by rewrite r2.
Qed.

(* MH-3. (a) If the query heads of a group share one key head with gauge R_g,
   preserving all scores forces every one of them to use the same matrix, the
   inverse transpose of R_g. *)
Theorem MH_3_a_shared_gauge (F : fieldType) (d H G : nat) (grp : 'I_H -> 'I_G)
    (A : 'I_H -> 'M[F]_d) (Rg : 'I_G -> 'M[F]_d) :
  (forall h (q k : 'cV[F]_d), (A h *m q)^T *m (Rg (grp h) *m k) = q^T *m k) <->
  (forall h, Rg (grp h) \in unitmx /\ A h = (invmx (Rg (grp h)))^T).
Proof.
split=> [hs h|hA h q k].
  have e : (A h)^T *m Rg (grp h) = 1%:M.
    by apply: bilinear_eq => q k; rewrite mulmx1 -(hs h) trmx_mul !mulmxA.
  have [u _] := mulmx1_unit (mulmx1C e).
  by split=> //; rewrite -[A h]trmxK; congr trmx; rewrite -[LHS]mulmx1 -(mulmxV u) mulmxA e mul1mx.
have [u ->] := hA h.
by rewrite trmx_mul trmxK -!mulmxA (mulmxA (invmx _)) mulVmx // mul1mx.
Qed.

(* MH-3. (b) Dimension of the orthogonal gauge of one KV head: its Lie algebra,
   the skew matrices, is parametrised linearly and bijectively by the
   d(d-1)/2 strict upper triangles.  (n_kv copies give the catalogue's count; for
   GL the matrices themselves have d^2 entries.) *)
Theorem MH_3_b_gauge_dimension (R : realFieldType) (d : nat) :
  let pairs := [set p : 'I_d * 'I_d | (p.1 < p.2)%N] in
  #|pairs| = 'C(d, 2) /\
  forall f : 'I_d * 'I_d -> R, exists2 X : 'M[R]_d,
    X^T = - X /\ (forall p, p \in pairs -> X p.1 p.2 = f p) &
    forall Y : 'M[R]_d, Y^T = - Y -> (forall p, p \in pairs -> Y p.1 p.2 = f p) -> Y = X.
Proof.
move=> pairs; split.
  rewrite -triangular_sum big_mkord /pairs -sum1dep_card big_mkcond /=.
  rewrite -(pair_bigA _ (fun i j : 'I_d => if (i < j)%N then 1%N else 0%N)) exchange_big /=.
  apply: eq_bigr => j _.
  by rewrite -big_mkcond (big_ord_narrow (ltnW (ltn_ord j))) sum1_card card_ord.
move=> f; exists (\matrix_(i, j) (if (i < j)%N then f (i, j) else
                      if (j < i)%N then - f (j, i) else 0)).
  split=> [|[i j]]; last by rewrite !inE /= !mxE => ->.
  apply/matrixP => i j; rewrite !mxE; case: (ltngtP i j) => // _; rewrite ?opprK ?oppr0 //.
move=> Y skew hY; apply/matrixP => i j; rewrite mxE.
have sk a b : Y a b = - Y b a by have /matrixP/(_ b a) := skew; rewrite !mxE.
case: (ltngtP i j) => [ij|ji|e].
- by rewrite -(hY (i, j)) // inE.
- by rewrite sk -(hY (j, i)) // inE.
have -> : j = i by apply: val_inj.
by have /eqP := sk i i; rewrite -addr_eq0 -mulr2n mulrn_eq0 => /eqP.
Qed.

(* MH-4: least upper bounds of objectives over gauges. *)
Definition is_sup (R : realFieldType) (T : Type) (f : T -> R) (s : R) :=
  (forall x, f x <= s) /\ forall u, (forall x, f x <= u) -> s <= u.

Section Decoupling.
Variables (R : realFieldType) (H : nat) (Gauge : Type).
Variables (f : 'I_H -> Gauge -> R) (s : 'I_H -> R).
Hypothesis f_sup : forall h, is_sup (f h) (s h).

(* MH-4. (a) The supremum of a sum of per-head objectives over independent gauges
   is the sum of the suprema: heads decouple. *)
Theorem MH_4_a_decoupling :
  is_sup (fun r : 'I_H -> Gauge => \sum_h f h (r h)) (\sum_h s h).
Proof.
split=> [r|u hu]; first by apply: ler_sum => h _; have [] := f_sup h.
have gen n : forall r : 'I_H -> Gauge,
    \sum_(h < H) (if (h < n)%N then s h else f h (r h)) <= u.
  elim: n => [|n IH] r; first exact: hu.
  have [nH|Hn] := ltnP n H; last first.
    rewrite (eq_bigr (fun h : 'I_H => if (h < n)%N then s h else f h (r h))) // => h _.
    by rewrite ltnS (leq_trans (ltnW (ltn_ord h)) Hn) (leq_trans (ltn_ord h) Hn).
  pose m := Ordinal nH; rewrite (bigD1 m) //= ltnSn.
  set rest := \sum_(h < H | h != m) _.
  rewrite -ler_subr_addr; have [_] := f_sup m; apply=> x.
  rewrite ler_subr_addr.
  pose r' h := if h == m then x else r h.
  have := IH r'; rewrite (bigD1 m) //= ltnn /r' eqxx => h1; apply: le_trans h1.
  rewrite ler_add2l le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => h hm.
  rewrite (negPf hm) ltnS leq_eqVlt.
  by have -> : (h == n :> nat) = false by apply: contraNF hm => /eqP e; apply/eqP/val_inj.
have from_r (r : 'I_H -> Gauge) : \sum_h s h <= u.
  by have := gen H r; rewrite (eq_bigr s) // => h _; rewrite ltn_ord.
have [//|no] := boolP (\sum_h s h <= u).
have [H0|H0] := posnP H.
  have emp (h : 'I_H) : False by have := ltn_ord h; rewrite {2}H0.
  by case/negP: no; apply: from_r => h; case: (emp h).
have [_ least] := f_sup (Ordinal H0).
have := least (s (Ordinal H0) - 1); rewrite ler_subr_addl ger_addr ler10.
by apply=> x; case/negP: no; apply: from_r => _; exact: x.
Qed.

(* MH-4. (b) One rotation shared by all heads never does better. *)
Theorem MH_4_b_shared_gauge_lower (t : R) :
  is_sup (fun g : Gauge => \sum_h f h g) t -> t <= \sum_h s h.
Proof.
by case=> _ least; apply: least => g; apply: ler_sum => h _; have [] := f_sup h.
Qed.

End Decoupling.

(* MH-4. (c) The supremum over a larger set of gauges (rotations of the whole
   bundle) is at least the supremum over the product of per-head gauges. *)
Theorem MH_4_c_larger_group_upper (R : realFieldType) (Big Small : Type)
    (embed : Small -> Big) (f : Big -> R) (t s : R) :
  is_sup (fun x => f (embed x)) s -> is_sup f t -> s <= t.
Proof. by case=> _ least [ub _]; apply: least => x; apply: ub. Qed.
