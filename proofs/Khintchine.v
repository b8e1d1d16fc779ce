(* IF-6 (ii): Khintchine's inequality with its best constant (Szarek's; the proof is Latala and    *)
(* Oleszkiewicz's, by Walsh functions), and the mean cosine that a Hadamard matrix with random      *)
(* signs guarantees.                                                                                *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From Routegauge Require Import Vectors IsotropicFloor.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Cube.
Variables (R : rcfType) (n : nat).
Implicit Types (e S : pattern n) (f g : pattern n -> R).

(* Walsh functions: the products of the signs at the places that S marks. They are a basis. *)
Definition walsh S e : R := \prod_i (if S i then sgnb R (e i) else 1).
Definition coef f S : R := average (fun e => f e * walsh S e).
Definition size S : R := \sum_i (S i)%:R.

Lemma walsh_flip S i e : walsh S (flip i e) = (if S i then -1 else 1) * walsh S e.
Proof.
rewrite /walsh (bigD1 i) //= [in RHS](bigD1 i) //= sgnb_flip eqxx.
rewrite [X in _ * X = _](eq_bigr (fun j => if S j then sgnb R (e j) else 1)) => [|j ji].
  by case: (S i); rewrite ?mulrA ?mul1r.
by rewrite sgnb_flip (negPf ji) mul1r.
Qed.

Lemma card_pattern : #|{: pattern n}|%:R = 2 ^+ n :> R.
Proof. by rewrite card_ffun card_bool card_ord natrX. Qed.

(* Summed over all Walsh functions, products of values are 2^n on the diagonal and 0 off it. *)
Lemma walsh_sum e e' : \sum_S walsh S e * walsh S e' = if e == e' then 2 ^+ n else 0.
Proof.
have -> : \sum_S walsh S e * walsh S e' = \prod_i \sum_b (if b then sgnb R (e i) * sgnb R (e' i) else 1).
  rewrite bigA_distr_bigA; apply: eq_bigr => S _; rewrite -big_split; apply: eq_bigr => i _ /=.
  by case: (S i); rewrite ?mulr1.
case: eqP => [->|/eqP ee'].
  rewrite (eq_bigr (fun=> 2)) => [|i _]; first by rewrite prodr_const card_ord.
  by rewrite big_bool sgnb_sqr.
have [i ei] : exists i, e i != e' i.
  apply/existsP; apply: contraNT ee' => /existsPn h; apply/eqP/ffunP=> i.
  by have := h i; rewrite negbK => /eqP.
rewrite (bigD1 i) //= big_bool /=; suff -> : sgnb R (e i) * sgnb R (e' i) = -1 by rewrite addNr mul0r.
by move: ei; rewrite /sgnb; case: (e i); case: (e' i); rewrite ?mulr1 ?mul1r.
Qed.

Lemma parseval f g : average (fun e => f e * g e) = \sum_S coef f S * coef g S.
Proof.
have n0 : 2 ^+ n != 0 :> R by rewrite expf_neq0 // pnatr_eq0.
rewrite /coef /average card_pattern.
transitivity (\sum_S (\sum_e \sum_e' f e * g e' * (walsh S e * walsh S e')) / (2 ^+ n * 2 ^+ n)); last first.
  apply: eq_bigr => S _; rewrite invfM mulf_div invfM; congr (_ * _); rewrite mulr_suml; apply: eq_bigr => e _.
  by rewrite mulr_sumr; apply: eq_bigr => e' _; ring.
have -> : \sum_S (\sum_e \sum_e' f e * g e' * (walsh S e * walsh S e')) / (2 ^+ n * 2 ^+ n) =
    (\sum_e f e * g e) * 2 ^+ n / (2 ^+ n * 2 ^+ n).
  rewrite -mulr_suml exchange_big /=; congr (_ / _); rewrite mulr_suml; apply: eq_bigr => e _.
  rewrite exchange_big /= (bigD1 e) //= -mulr_sumr walsh_sum eqxx big1 ?addr0 // => e' e'e.
  by rewrite -mulr_sumr walsh_sum eq_sym (negPf e'e) mulr0.
by rewrite -mulrA invfM (mulrA (2 ^+ n)) mulfV // mul1r.
Qed.

(* Half the sum of the differences along the edges at e: each Walsh function is an eigenfunction. *)
Definition laplace f e : R := (\sum_i (f e - f (flip i e))) / 2.

Lemma coef_flip f i S : coef (fun e => f (flip i e)) S = (if S i then -1 else 1) * coef f S.
Proof.
rewrite /coef -averageZ /average; congr (_ / _); rewrite (reindex_inj (inv_inj (flipK i))) /=.
by apply: eq_bigr => e _; rewrite flipK walsh_flip mulrCA.
Qed.

Lemma coef_laplace f S : coef (laplace f) S = size S * coef f S.
Proof.
have two : 2 != 0 :> R by rewrite pnatr_eq0.
transitivity (\sum_i (coef f S - coef (fun e => f (flip i e)) S) / 2).
  rewrite (eq_bigr (fun i => average (fun e => (f e - f (flip i e)) / 2 * walsh S e))) => [|i _].
    rewrite -average_sum; apply: eq_average => e.
    by rewrite /laplace -mulr_suml -mulr_suml.
  rewrite /coef /average -mulrBl -sumrB -mulrA [_^-1 * _]mulrC mulrA; congr (_ / _).
  by rewrite mulr_suml; apply: eq_bigr => e _; ring.
rewrite /size mulr_suml; apply: eq_bigr => i _; by rewrite coef_flip; case: (S i) => /=; field.
Qed.

Definition opposite e : pattern n := [ffun i => ~~ e i].

Lemma oppositeK : involutive opposite.
Proof. by move=> e; apply/ffunP=> i; rewrite !ffunE negbK. Qed.

Lemma sgnb_opposite e i : sgnb R (opposite e i) = - sgnb R (e i).
Proof. by rewrite ffunE /sgnb; case: (e i); rewrite ?opprK. Qed.

(* For a function that does not change when all signs change, only the constant Walsh function has a *)
(* size below 2.                                                                                      *)
Lemma gap f : (forall e, f (opposite e) = f e) ->
  2 * (average (fun e => f e ^+ 2) - average f ^+ 2) <= average (fun e => f e * laplace f e).
Proof.
move=> even_f; pose z : pattern n := [ffun=> false].
have walsh0 e : walsh z e = 1 by apply: big1 => i _; rewrite ffunE.
have coef0 : coef f z = average f by apply: eq_average => e; rewrite walsh0 mulr1.
have -> : average (fun e => f e ^+ 2) = \sum_S coef f S ^+ 2.
  rewrite -[RHS](eq_bigr _ (fun S _ => erefl)) (eq_average (g := fun e => f e * f e)) ?parseval => [|e].
    by apply: eq_bigr => S _; rewrite expr2.
  by rewrite expr2.
rewrite parseval mulrBr mulr_sumr -coef0 (bigD1 z) //= [X in _ <= X](bigD1 z) //= addrAC subrr add0r.
apply: ler_paddl.
  rewrite coef_laplace (_ : size z = 0) ?mul0r ?mulr0 //.
  by apply: big1 => i _; rewrite ffunE.
apply: ler_sum => S Sz; rewrite coef_laplace [X in _ <= X]mulrCA -[coef f S * coef f S]expr2.
have [i Si] : exists i, S i.
  apply/existsP; apply: contraNT Sz => /existsPn h; apply/eqP/ffunP=> i; rewrite ffunE.
  by apply: negbTE; exact: h.
have [/existsP [j /andP [ji Sj]]|/existsPn alone] := boolP [exists j, (j != i) && S j].
  apply: ler_wpmul2r; first exact: sqr_ge0.
  rewrite /size (bigD1 i) //= (bigD1 j) //= Si Sj addrA ler_addl.
  by apply: sumr_ge0 => l _; exact: ler0n.
suff -> : coef f S = 0 by rewrite expr0n !mulr0.
have walsh1 e : walsh S e = sgnb R (e i).
  rewrite /walsh (bigD1 i) //= Si big1 ?mulr1 // => j ji.
  by have := alone j; rewrite ji /= => /negPf ->.
have : coef f S = - coef f S.
  rewrite {1}/coef /average (reindex_inj (inv_inj oppositeK)) /= -mulNr; congr (_ / _); rewrite -sumrN.
  by apply: eq_bigr => e _; rewrite even_f !walsh1 sgnb_opposite mulrN.
by move/eqP; rewrite -addr_eq0 -mulr2n mulrn_eq0 /= => /eqP.
Qed.

Lemma le_average f g : (forall e, f e <= g e) -> average f <= average g.
Proof. by move=> fg; rewrite ler_wpmul2r ?invr_ge0 ?ler0n //; apply: ler_sum => e _; exact: fg. Qed.

Variable a : 'I_n -> R.
Definition signed_sum e : R := \sum_i a i * sgnb R (e i).

Lemma mean_square_signed_sum : average (fun e => signed_sum e ^+ 2) = \sum_i a i ^+ 2.
Proof.
rewrite (@eq_average _ _ _ (fun e => \sum_i \sum_j (a i * sgnb R (e i)) * (a j * sgnb R (e j)))); last first.
  by move=> e; rewrite expr2 mulr_suml; apply: eq_bigr => i _; rewrite mulr_sumr.
rewrite average_sum; apply: eq_bigr => i _.
rewrite average_sum (bigD1 i) //= average_sign2_mul eqxx mulr1 big1 ?addr0 // => j ji.
by rewrite average_sign2_mul eq_sym (negPf ji) mulr0.
Qed.

Lemma signed_sum_flip i e : signed_sum (flip i e) = signed_sum e - 2 * (a i * sgnb R (e i)).
Proof.
rewrite /signed_sum (bigD1 i) //= [in RHS](bigD1 i) //= sgnb_flip eqxx.
have -> : \sum_(j | j != i) a j * sgnb R (flip i e j) = \sum_(j | j != i) a j * sgnb R (e j).
  by apply: eq_bigr => j ji; rewrite sgnb_flip (negPf ji) mul1r.
by move: (\sum_(j | _) _) => rest; ring.
Qed.

(* Khintchine's inequality with Szarek's constant: (E|sum a_i e_i|)^2 is at least half of sum a_i^2. *)
Lemma khintchine : \sum_i a i ^+ 2 <= 2 * average (fun e => `|signed_sum e|) ^+ 2.
Proof.
pose f e := `|signed_sum e|.
have even_f e : f (opposite e) = f e.
  rewrite /f -normrN; congr `|_|; rewrite /signed_sum -sumrN; apply: eq_bigr => i _.
  by rewrite sgnb_opposite mulrN opprK.
have f2 : average (fun e => f e ^+ 2) = \sum_i a i ^+ 2.
  by rewrite -mean_square_signed_sum; apply: eq_average => e; rewrite /f real_normK ?num_real.
have Lf e : laplace f e <= f e.
  rewrite /laplace ler_pdivr_mulr ?ltr0n // sumrB sumr_cst card_ord ler_subl_addr -ler_subl_addl.
  apply: (@le_trans _ _ `|\sum_i signed_sum (flip i e)|); last exact: ler_norm_sum.
  have -> : \sum_i signed_sum (flip i e) = (n%:R - 2) * signed_sum e.
    rewrite (eq_bigr (fun i => signed_sum e - 2 * (a i * sgnb R (e i)))) => [|i _]; last exact: signed_sum_flip.
    by rewrite sumrB sumr_cst card_ord -mulr_sumr -/(signed_sum e) mulrBl.
  rewrite normrM -/(f e) mulrC -mulrBr mulrC; apply: ler_wpmul2r; first exact: normr_ge0.
  exact: ler_norm.
have energy : average (fun e => f e * laplace f e) <= \sum_i a i ^+ 2.
  rewrite -f2; apply: le_average => e; rewrite expr2; apply: ler_wpmul2l; first exact: normr_ge0.
  exact: Lf.
have := le_trans (gap even_f) energy; rewrite f2 -/f mulrBr ler_subl_addr.
by rewrite mulr_natl mulr2n ler_add2l.
Qed.
End Cube.

Section Hadamard.
Variables (R : rcfType) (d : nat).

(* IF-6 (ii). A Hadamard matrix with random signs gives every key a mean 1-bit cosine of at least   *)
(* 1/sqrt 2. (With the best constant; IF_6_ii_b_sharp_two_equal_entries shows that it is attained.)    *)
Theorem IF_6_ii_a_mean_cosine (H : 'M[R]_d) (k : 'cV[R]_d) : hadamard H -> k != 0 ->
  (Num.sqrt 2)^-1 <= average (fun e => cosine (H *m (signs R e *m k))).
Proof.
move=> hH k0; have [oH H2] := hH; have d0 := dim_gt0 k0; have rd : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0.
have lk : 0 < l2 k by rewrite l2_gt0.
pose y j := signed_sum (fun l => H j l * k l 0).
have cE e : cosine (H *m (signs R e *m k)) = (Num.sqrt d%:R * l2 k)^-1 * \sum_j `|y j e|.
  rewrite /cosine !orth_l2 //; last exact: signs_orthogonal.
  rewrite mulrC; congr (_ * _); apply: eq_bigr => j _; congr `|_|; rewrite mxE.
  by apply: eq_bigr => l _; rewrite signs_mul (mulrC (sgnb R _)) mulrA.
rewrite (eq_average cE) averageZ average_sum.
have each j : l2 k / (Num.sqrt d%:R * Num.sqrt 2) <= average (fun e => `|y j e|).
  have s2 : 0 < Num.sqrt 2 :> R by rewrite sqrtr_gt0 ltr0n.
  have a0 : 0 <= average (fun e => `|y j e|).
    by rewrite divr_ge0 ?ler0n //; apply: sumr_ge0.
  rewrite -ler_sqr ?nnegrE ?a0 //; last by rewrite divr_ge0 ?mulr_ge0 ?sqrtr_ge0 ?l2_ge0.
  rewrite expr_div_n exprMn l2_sqr !sqr_sqrtr ?ler0n //.
  have := khintchine (fun l => H j l * k l 0).
  rewrite (eq_bigr (fun l => d%:R^-1 * k l 0 ^+ 2)) => [|l _]; last by rewrite exprMn H2.
  rewrite -mulr_sumr -/(sqn k) => h; rewrite invfM mulrA ler_pdivr_mulr ?ltr0n // mulrC.
  by rewrite [X in _ <= X]mulrC.
apply: (@le_trans _ _ ((Num.sqrt d%:R * l2 k)^-1 * \sum_(j < d) l2 k / (Num.sqrt d%:R * Num.sqrt 2))).
  have s2 : Num.sqrt 2 != 0 :> R by rewrite gt_eqF // sqrtr_gt0 ltr0n.
  have key (t r l : R) : t != 0 -> r != 0 -> l != 0 -> t^-1 = (r * l)^-1 * (r ^+ 2 * (l / (r * t))).
    by move=> t0 r0 l0; field; rewrite t0 r0 l0.
  by rewrite sumr_cst card_ord (key _ _ _ s2 (lt0r_neq0 rd) (lt0r_neq0 lk)) sqr_sqrt_dim.
rewrite ler_wpmul2l ?invr_ge0 ?mulr_ge0 ?l2_ge0 ?sqrtr_ge0 //.
by apply: ler_sum => j _; exact: each.
Qed.
End Hadamard.
